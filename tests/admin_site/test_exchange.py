"""Import and export pages: preview, confirm, refused rows as a file, and who may."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from admin_site.site import console
from audit.models import AuditEvent
from enrollments.models import Enrollment
from files.models import StagedUpload
from organizations.models import Membership
from tests.database import as_system
from tests.factories.names import World
from tests.resources.files import CLIENT, DEBTOR, csv_file
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def address(page: str) -> str:
    admin = console.get_model_admin(Enrollment)
    return admin._address(page)


def upload(client: Client, *rows: dict[str, Any], name: str = "clients.csv") -> HttpResponse:
    return client.post(address("import"), {"file": SimpleUploadedFile(name, csv_file(*rows))})


def count(email: str = CLIENT["email"]) -> int:
    with as_system():
        return Enrollment.objects.filter(client__email=email).count()


def test_a_file_is_shown_before_it_is_saved(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    preview = upload(client, CLIENT)
    assert (preview.status_code, preview.context["report"].counts["created"], count()) == (200, 1, 0)
    done = client.post(address("import_confirm"), {"token": preview.context["token"]})
    assert (done.status_code, count()) == (302, 1)


def test_a_confirmation_works_once_and_for_the_uploader_only(world: World, client: Client) -> None:
    token = upload(sign_in(client, world.provider_admin_a), CLIENT).context["token"]
    other = sign_in(Client(), world.owner_a)
    assert other.post(address("import_confirm"), {"token": token}, follow=True).status_code == 200
    assert count() == 0
    client.post(address("import_confirm"), {"token": token})
    again = client.post(address("import_confirm"), {"token": token}, follow=True)
    assert "import_expired" in again.content.decode()
    assert count() == 1


def test_a_token_of_another_file_is_refused(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    token = upload(client, CLIENT).context["token"]
    for wrong in ("", token[:-3] + "abc", token.replace(":", ";")):
        assert "import_expired" in client.post(
            address("import_confirm"), {"token": wrong}, follow=True
        ).content.decode()  # fmt: skip
    assert count() == 0


def test_a_lost_role_stops_the_confirmation(world: World, client: Client) -> None:
    token = upload(sign_in(client, world.provider_admin_a), CLIENT).context["token"]
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    assert client.post(address("import_confirm"), {"token": token}).status_code == 403
    assert count() == 0


def test_changed_records_ask_for_a_new_preview(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    token = upload(client, CLIENT, DEBTOR).context["token"]
    client.post(address("import_confirm"), {"token": upload(client, CLIENT).context["token"]})
    answer = client.post(address("import_confirm"), {"token": token}, follow=True)
    assert "import_changed" in answer.content.decode()
    assert count(DEBTOR["email"]) == 0


def test_refused_rows_come_as_a_file(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    preview = upload(client, CLIENT, DEBTOR | {"kind": "=1+1"})
    answer = client.post(address("import_confirm"), {"token": preview.context["token"], "errors": "1"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["row"], row["column"], row["code"]) == ("3", "kind", "import_value_not_listed")
    assert count() == 0


def test_a_file_that_is_none_is_explained(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    answer = client.post(address("import"), {"file": SimpleUploadedFile("x.csv", b"PK\x03\x04nonsense")})
    assert "import_not_csv" in answer.content.decode()
    with as_system():
        assert StagedUpload.objects.filter(person=world.provider_admin_a).count() == 1


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
