"""Inviting from the console."""

from __future__ import annotations

import pytest
from django.test import Client

from organizations.models import Invitation
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db
ADD = "/console/organizations/invitation/add/"


def test_a_provider_admin_invites_to_the_own_provider_whatever_is_posted(world: World) -> None:
    """CERT-60: the provider is fixed, not choosable."""
    browser = sign_in(Client(), world.provider_admin_a)
    page = browser.get(ADD).content.decode()
    posted = {"email": "new@example.org", "role": "counselor", "language": "en", "days": "14",
              "provider": str(world.provider_b.pk)}  # fmt: skip

    answer = browser.post(ADD, posted)

    assert answer.status_code == 302
    with as_system():
        invitation = Invitation.objects.get(email="new@example.org")
    assert (invitation.role, invitation.organization_id) == ("counselor", world.provider_a.pk)
    assert world.provider_b.name not in page
    assert "platform_admin" not in page


def test_a_provider_admin_cannot_invite_above_or_beside_the_own_role(world: World) -> None:
    browser = sign_in(Client(), world.provider_admin_a)
    for role in ("platform_admin", "attorney", "client"):
        answer = browser.post(ADD, {"email": "new@example.org", "role": role, "language": "en", "days": "14"})
        assert answer.status_code == 200

    with as_system():
        assert not Invitation.objects.filter(email="new@example.org").exists()
