"""Import and export pages of a list: who may, what leaves, the example file."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client

from admin_site.site import console
from audit.models import AuditEvent
from enrollments.models import Enrollment
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def address(page: str) -> str:
    admin = console.get_model_admin(Enrollment)
    return admin._address(page)


@pytest.mark.parametrize("page", ["import", "import_example", "export"])
@pytest.mark.parametrize(("person", "status"), [("provider_admin_a", 200), ("attorney_a", 200), ("counselor_a", 403)])
def test_who_may_open_the_pages(world: World, client: Client, person: str, status: int, page: str) -> None:
    assert sign_in(client, getattr(world, person)).get(address(page)).status_code == status


def test_an_export_follows_the_filters_and_keeps_no_searched_words(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    query = "?status__exact=invited&q=Francis"
    answer = client.post(address("export") + query, {"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["id"] for row in rows] == [str(world.invited_a.pk)]
    with as_system():
        event = AuditEvent.objects.get(act="enrollments.exported")
    assert event.payload["filter"] == {"status__exact": ["invited"], "q": "…"}


def test_the_example_file_can_be_imported_by_its_columns(world: World, client: Client) -> None:
    sign_in(client, world.attorney_a)
    header = client.get(address("import_example")).content.decode("utf-8-sig").splitlines()[0]
    assert header.replace('"', "").split(",") == list(console.get_model_admin(Enrollment).resource_class.writable)
