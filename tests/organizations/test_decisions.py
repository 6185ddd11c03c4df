"""Who sees a record through another one may read it, and nothing more."""

from __future__ import annotations

import pytest
from django.test import Client

from organizations.actors import load_actor
from organizations.backends import allows
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def test_a_provider_reads_the_law_firm_that_sends_clients_and_changes_nothing(world: World) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
        assert allows(actor, "organizations.view_organization", world.firm_a)
        assert not allows(actor, "organizations.change_organization", world.firm_a)
        assert allows(actor, "organizations.change_organization", world.provider_a)


def test_a_firm_reads_a_certificate_released_to_it_and_downloads_it(world: World) -> None:
    with as_system():
        actor = load_actor(world.attorney_a)
        for permission, expected in (("view", True), ("download", True), ("revoke", False)):
            assert allows(actor, f"certificates.{permission}_certificate", world.certificate_a) is expected


def test_the_form_of_such_a_record_cannot_be_saved(world: World, client: Client) -> None:
    """It used to be offered, and failed in the database."""
    sign_in(client, world.provider_admin_a)
    body = {"name": "Taken", "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0", "_save": "1"}
    assert client.get(addresses.record(world.firm_a)).status_code == 200
    assert client.post(addresses.record(world.firm_a), body).status_code == 403
    assert world.firm_a.name == "Firm A"
