"""U-10: an invitation works once, and only for the address it was sent to."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from core import clock
from organizations.enums import InvitedRole
from organizations.models import Invitation
from organizations.services import invite, revoke_invitation
from tests.database import as_system
from tests.factories.people import make_user
from tests.torture.accounts import ask, at_once
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def promise(world: Any, email: str) -> tuple[Invitation, str]:
    with as_system():
        return invite(email, InvitedRole.COUNSELOR, organization=world.provider_a)


def person(email: str) -> Any:
    with as_system():
        return make_user(email)


def press(user: Any, token: str, query: str = "", **body: str) -> int:
    return int(sign_in(Client(), user).post(f"/invitations/{token}{query}", body).status_code)


def wrongly_in(world: Any, databases: Any, presses: int) -> tuple[int, int]:
    """Try every way to get more out of a link than it promises: (tries, roles that should not be there)."""
    friend, thief = person("friend@example.org"), person("thief@example.org")
    _, link = promise(world, friend.email)
    expired, expired_link = promise(world, "late@example.org")
    late = person("late@example.org")
    revoked, revoked_link = promise(world, "gone@example.org")
    gone = person("gone@example.org")
    with as_system():
        expired.expires_at = clock.now() - dt.timedelta(seconds=1)
        expired.save(update_fields=["expires_at"])
        revoke_invitation(revoked)
    edited = {"role": "provider_admin", "organization": str(world.provider_b.pk), "email": thief.email}
    at_once(lambda _: press(thief, link, "?role=provider_admin", **edited), range(presses))
    press(late, expired_link)
    press(gone, revoked_link)
    at_once(lambda user: press(user, link, **edited), [friend, thief] * presses)
    press(thief, link)
    count = "SELECT count(*) FROM organizations_membership m JOIN accounts_user u ON u.id = m.user_id WHERE u.email "
    strangers = ask(databases, count + "IN ('thief@example.org', 'late@example.org', 'gone@example.org')")
    as_promised = ask(databases, count + "= 'friend@example.org' AND m.role = 'counselor'")
    raised = ask(databases, count + "= 'friend@example.org' AND m.role <> 'counselor'")
    return presses * 3 + 3, strangers + abs(as_promised - 1) + raised


@pytest.mark.torture("U-10")
def test_a_link_gives_what_it_promises_once_to_the_one_it_was_sent_to(world: Any, databases: Any, trial: Any) -> None:
    n, violations = wrongly_in(world, databases, trial.scale(fast=4, long=25))
    trial.report(n=n, violations=violations)


@pytest.mark.control("U-10")
def test_a_link_that_is_not_bound_to_its_address_is_found_out(
    world: Any, databases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("organizations.services.invitations", "website.views.invitations"):
        monkeypatch.setattr(f"{module}.not_addressed_to", lambda *_: None)
    assert wrongly_in(world, databases, 2)[1] > 0
