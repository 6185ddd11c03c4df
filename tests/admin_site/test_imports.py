"""The wizard of an import: columns, preview, the uploader's word, progress, refused rows, cancel and undo."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from enrollments.models import Client as Person
from enrollments.models import Enrollment
from files.models import StagedUpload
from imports.enums import RunState
from imports.models import ImportRun
from organizations.models import Membership
from resources import writing
from tests.database import as_system
from tests.factories.names import World
from tests.imports.walks import confirm, count, list_page, newest, run_act, run_page, say, upload
from tests.resources.files import CLIENT, DEBTOR
from tests.web import sign_in
from tests.work import run_due

pytestmark = pytest.mark.django_db
EMAIL = CLIENT["email"]


def test_a_file_is_shown_before_it_is_saved(world: World, client: Client) -> None:
    """UX-08."""
    preview = upload(sign_in(client, world.provider_admin_a), CLIENT)
    assert (preview.status_code, newest().to_create, count(EMAIL)) == (200, 1, 0)
    done = say(client, preview)
    assert (done.status_code, newest().state, count(EMAIL)) == (200, RunState.DONE, 1)


def test_a_confirmation_works_once_and_for_the_uploader_only(world: World, client: Client) -> None:
    """C-05."""
    preview = upload(sign_in(client, world.provider_admin_a), CLIENT)
    other = sign_in(Client(), world.owner_a)
    assert "import_not_the_uploader" in say(other, preview).content.decode()
    assert count(EMAIL) == 0
    say(client, preview)
    assert "import_expired" in say(client, preview).content.decode()
    assert count(EMAIL) == 1


def test_a_token_of_another_file_is_refused(world: World, client: Client) -> None:
    token = upload(sign_in(client, world.provider_admin_a), CLIENT).context["token"]
    first = newest()
    other = upload(client, DEBTOR).context["token"]
    for wrong in ("", token[:-3] + "abc", token.replace(":", ";"), other):
        assert "import_expired" in confirm(client, first, wrong).content.decode()
    assert count(EMAIL) == 0


def test_a_lost_role_stops_the_confirmation(world: World, client: Client) -> None:
    token = upload(sign_in(client, world.provider_admin_a), CLIENT).context["token"]
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    assert confirm(client, newest(), token).status_code == 403
    assert count(EMAIL) == 0


def test_changed_records_ask_for_a_new_preview(world: World, client: Client) -> None:
    preview = upload(sign_in(client, world.provider_admin_a), CLIENT, DEBTOR)
    first = newest()
    say(client, upload(client, CLIENT))
    answer = confirm(client, first, preview.context["token"])
    assert "import_changed" in answer.content.decode()
    assert count(DEBTOR["email"]) == 0


def test_refused_rows_come_as_a_file_and_the_others_may_go_in(world: World, client: Client) -> None:
    preview = upload(sign_in(client, world.provider_admin_a), CLIENT, DEBTOR | {"kind": "=1+1"})
    run = newest()
    assert "import_has_refused_rows" in say(client, preview).content.decode()
    assert count(EMAIL) == 0
    answer = client.get(run_page(run, "refused"))
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["row"], row["column"], row["code"]) == ("3", "kind", "import_value_not_listed")
    assert (row["email"], row["kind"]) == (DEBTOR["email"], "'=1+1")
    say(client, preview, leave_out="1")
    run = newest()
    assert (run.state, run.created, run.failed, count(EMAIL), count(DEBTOR["email"])) == (RunState.DONE, 1, 1, 1, 0)


def test_the_cells_of_refused_rows_are_for_the_uploader_only(world: World, client: Client) -> None:
    upload(sign_in(client, world.provider_admin_a), DEBTOR | {"kind": "XX"})
    answer = sign_in(Client(), world.owner_a).get(run_page(newest(), "refused"))
    assert DEBTOR["email"] not in answer.content.decode()
    assert sign_in(Client(), world.provider_admin_b).get(run_page(newest(), "refused")).status_code == 404


def test_a_file_that_is_none_is_explained_and_not_kept(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    answer = client.post(list_page(Enrollment, "import"), {"file": SimpleUploadedFile("x.csv", b"PK\x03\x04nonsense")})
    assert "import_not_csv" in answer.content.decode()
    with as_system():
        assert StagedUpload.objects.filter(person=world.provider_admin_a).count() == 1
        assert ImportRun.objects.filter(person=world.provider_admin_a).count() == 1


def test_other_headers_are_asked_for_once_and_remembered(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    told = {
        "Surname": "last_name", "Given Name": "first_name", "E-Mail": "email", "Fecha de nacimiento": "birth_date",
        "SSN last 4": "ssn_last4", "Course": "kind", "Court": "court_id", "Our file": "", "Mobile": "phone",
    }  # fmt: skip
    row = {header: CLIENT.get(column, "A-17") for header, column in told.items()}
    asked = upload(client, row)
    form = asked.context["form"]
    guessed = {field.label: field.initial for field in form.fields.values()}
    assert guessed == told
    answers = {name: told[field.label] for name, field in form.fields.items()}
    preview = client.post(run_page(newest(), "columns"), answers, follow=True)
    assert newest().to_create == 1
    say(client, preview)
    assert count(EMAIL) == 1
    again = upload(client, row | {"E-Mail": "second@example.org", "Given Name": "Second"})
    assert (newest().state, again.context["run"].to_create) == (RunState.CHECKED, 1)


def test_columns_said_twice_or_left_out_are_refused_in_place(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    asked = upload(client, {"One": "Ana", "Two": "Lee"})
    names = list(asked.context["form"].fields)
    answer = client.post(run_page(newest(), "columns"), dict.fromkeys(names, "first_name"))
    errors = answer.context["form"].errors
    assert set(errors) == {*names, "__all__"}
    assert newest().state == RunState.UPLOADED


def test_a_large_file_is_checked_and_written_by_the_worker(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "AT_ONCE", 2)
    monkeypatch.setattr(writing, "CHUNK", 2)
    sign_in(client, world.provider_admin_a)
    rows = [CLIENT | {"email": f"c{n}@example.org", "ssn_last4": f"{n + 1:04d}"} for n in range(5)]
    waiting = upload(client, *rows)
    assert (newest().state, waiting["Refresh"]) == (RunState.CHECKING, "3")
    run_due("imports.check")
    preview = client.get(run_page(newest(), "row_list"))
    assert newest().to_create == 5
    under_way = say(client, preview)
    assert (newest().state, under_way["Refresh"], count("c0@example.org")) == (RunState.RUNNING, "3", 0)
    assert len(run_due("imports.write")) == 3
    run = newest()
    assert (run.state, run.created, run.cursor) == (RunState.DONE, 5, 6)


def test_a_cancelled_import_can_be_undone(world: World, client: Client) -> None:
    upload(sign_in(client, world.provider_admin_a), CLIENT)
    run = newest()
    client.post(run_act(run, "cancel"))
    assert newest().state == RunState.CANCELLED
    answer = client.post(run_act(run, "undo"), follow=True)
    assert "import_nothing_to_undo" in answer.content.decode()


def test_undo_brings_the_lists_back(world: World, client: Client) -> None:
    """CERT-W05."""
    before = sign_in(client, world.provider_admin_a).get(list_page(Enrollment, "changelist")).context["cl"].result_count
    say(client, upload(client, CLIENT, DEBTOR))
    client.post(run_act(newest(), "undo"))
    assert (newest().state, count(EMAIL)) == (RunState.UNDONE, 0)
    assert client.get(list_page(Enrollment, "changelist")).context["cl"].result_count == before
    with as_system():
        assert not Person.objects.filter(email=EMAIL).exists()
        kept = Person.history.filter(email=EMAIL).order_by("history_date")
        assert [version.history_type for version in kept] == ["+", "-"]
    say(client, upload(client, CLIENT))
    assert count(EMAIL) == 1


def test_undo_is_refused_once_a_row_was_used(world: World, client: Client) -> None:
    say(client, upload(sign_in(client, world.provider_admin_a), CLIENT, DEBTOR))
    run = newest()
    with as_system():
        person = Person.objects.get(email=DEBTOR["email"])
        person.phone = "555-0000"
        person.save(update_fields=["phone", "updated_at"])
    answer = client.post(run_act(run, "undo"), follow=True).content.decode()
    assert "import_undo_touched" in answer
    assert (newest().state, count(EMAIL), count(DEBTOR["email"])) == (RunState.DONE, 1, 1)


@pytest.mark.parametrize("size", [150])
def test_the_preview_stays_small(world: World, client: Client, size: int) -> None:
    rows = [CLIENT | {"email": f"c{n}@example.org", "ssn_last4": f"{n + 1:04d}"} for n in range(size)]
    preview = upload(sign_in(client, world.provider_admin_a), *rows)
    assert len(preview.content) < 200_000
    further = client.get(run_page(newest(), "row_list") + f"?after={preview.context['page'].next}")
    assert [row.line for row in further.context["page"].rows] == list(range(102, 152))
    assert client.get(run_page(newest(), "row_list") + "?outcome=error").context["page"].rows == []
