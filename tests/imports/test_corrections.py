"""Known enrollments are corrected by a file, row by row as the preview said, and put back by its undo."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from audit.chain import faults
from audit.models import AuditEvent
from core.context import acting
from enrollments.models import Client, Enrollment
from imports.enums import RunState
from imports.models import ImportedRow, ImportRun
from organizations.actors import load_actor
from organizations.models import Organization
from resources import writing
from resources.enrollments import EnrollmentResource
from resources.importing import ImportReport, run_import
from resources.writing import undo
from tests.database import as_system
from tests.factories.names import World
from tests.imports.walks import newest, run_act, run_page, say, upload
from tests.resources.files import CLIENT, DEBTOR, csv_file
from tests.web import sign_in
from tests.work import run_due

pytestmark = pytest.mark.django_db
NEW = {"phone": "555-7777", "chapter": "7", "case_number": "26-70001", "language": "en"}


def bring(user: Any, home: Organization, *rows: dict[str, Any]) -> ImportReport:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        return run_import(EnrollmentResource(actor, home), csv_file(*rows), name="clients.csv", dry_run=False)


def on_record(email: str) -> Enrollment:
    with as_system():
        return Enrollment.objects.select_related("client").get(client__email=email)


def facts(email: str) -> dict[str, str]:
    found = on_record(email)
    return {"phone": found.client.phone, "chapter": found.chapter, "case_number": found.case_number,
            "language": found.language}  # fmt: skip


def take_back(user: Any) -> None:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        run = ImportRun.objects.order_by("-created_at").first()
        undo(EnrollmentResource(actor, run.organization), run)


def test_a_file_does_four_things_and_says_which(world: World, client: Browser) -> None:
    """UX-08: new, changed, unchanged and refused rows in one preview."""
    bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR)
    fresh = CLIENT | {"email": "new@example.org", "ssn_last4": "4321"}
    rows = (fresh, CLIENT, DEBTOR | NEW, fresh | {"email": "x@example.org", "kind": "XX"})
    preview = upload(sign_in(client, world.provider_admin_a), *rows)
    run = newest()
    assert (run.to_create, run.to_skip, run.to_update, run.refused) == (1, 1, 1, 1)
    told = preview.content.decode()
    assert "<del>555-0199</del> → <ins>555-7777</ins>" in told
    assert "Bankruptcy case number: <del>–</del> → <ins>26-70001</ins>" in told
    assert facts(DEBTOR["email"])["phone"] == DEBTOR["phone"]
    say(client, preview, leave_out="1")
    done = newest()
    assert (done.created, done.updated, done.skipped, done.failed) == (1, 1, 1, 1)
    assert facts(DEBTOR["email"]) == NEW


def test_a_correction_leaves_versions_an_event_and_a_journal(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, DEBTOR)
    report = bring(world.provider_admin_a, world.provider_a, DEBTOR | NEW)
    assert report.counts == {"created": 0, "updated": 1, "skipped": 0}, report.errors
    found = on_record(DEBTOR["email"])
    with as_system():
        run = ImportRun.objects.order_by("-created_at").first()
        for record in (found, found.client):
            last = record.history.latest("history_date")
            assert (last.history_type, last.history_change_reason, record.history.count()) == ("~", run.version, 2)
        event = AuditEvent.objects.get(act="enrollment.corrected", target_id=str(found.pk))
        assert event.payload == {"import": str(run.pk), "columns": ["case_number", "language", "phone"]}
        assert ImportedRow.objects.get(run=run).before["phone"] == [DEBTOR["phone"], NEW["phone"]]
        assert faults()[1] == []


def test_an_empty_cell_and_an_implied_value_change_nothing(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, DEBTOR | NEW | {"language": "es"})
    silent = {name: value for name, value in DEBTOR.items() if name not in {"phone", "language"}}
    report = bring(world.provider_admin_a, world.provider_a, silent | {"case_number": ""})
    assert report.counts == {"created": 0, "updated": 0, "skipped": 1}, report.errors
    with as_system():
        Enrollment.objects.filter(client__email=DEBTOR["email"]).update(de_filing_deadline="2099-12-01")
    assert bring(world.provider_admin_a, world.provider_a, silent).counts["skipped"] == 1


def test_a_deadline_that_is_missing_is_filled_and_taken_back(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, DEBTOR)
    with as_system():
        Enrollment.objects.filter(client__email=DEBTOR["email"]).update(de_filing_deadline=None)
    told = DEBTOR | {"de_filing_deadline": "2099-08-01"}
    assert bring(world.provider_admin_a, world.provider_a, told).counts["updated"] == 1
    assert str(on_record(DEBTOR["email"]).de_filing_deadline) == "2099-08-01"
    take_back(world.provider_admin_a)
    assert on_record(DEBTOR["email"]).de_filing_deadline is None


def test_undo_restores_the_values_and_withdraws_the_new(world: World) -> None:
    """CERT-W05."""
    bring(world.provider_admin_a, world.provider_a, DEBTOR)
    before = facts(DEBTOR["email"])
    bring(world.provider_admin_a, world.provider_a, DEBTOR | NEW, CLIENT)
    take_back(world.provider_admin_a)
    assert facts(DEBTOR["email"]) == before
    with as_system():
        assert not Enrollment.objects.filter(client__email=CLIENT["email"]).exists()
        found = on_record(DEBTOR["email"])
        assert [version.history_type for version in found.history.order_by("history_date")] == ["+", "~", "~"]
        assert AuditEvent.objects.filter(act="enrollment.restored", target_id=str(found.pk)).count() == 1
        assert faults()[1] == []


@pytest.mark.parametrize("touched", ["enrollment", "client"])
def test_undo_is_refused_once_a_corrected_record_was_changed(world: World, client: Browser, touched: str) -> None:
    bring(world.provider_admin_a, world.provider_a, DEBTOR)
    say(client, upload(sign_in(client, world.provider_admin_a), DEBTOR | NEW))
    found = on_record(DEBTOR["email"])
    with as_system():
        if touched == "enrollment":
            found.case_number = "26-99999"
            found.save(update_fields=["case_number", "updated_at"])
        else:
            found.client.phone = "555-0000"
            found.client.save(update_fields=["phone", "updated_at"])
    run = newest()
    assert "import_undo_touched" in client.post(run_act(run, "undo"), follow=True).content.decode()
    assert newest().state == RunState.DONE


def test_one_client_twice_in_a_file_is_corrected_once(world: World) -> None:
    both = (CLIENT, CLIENT | {"kind": "DE", "chapter": "7", "first_set_341_date": "2099-05-20"})
    bring(world.provider_admin_a, world.provider_a, *both)
    report = bring(world.provider_admin_a, world.provider_a, *(row | {"phone": "555-1"} for row in both))
    assert report.counts["updated"] + report.counts["skipped"] == 2, report.errors
    with as_system():
        known = Client.objects.get(email=CLIENT["email"])
        assert (known.phone, known.history.count()) == ("555-1", 2)
    take_back(world.provider_admin_a)
    with as_system():
        assert Client.objects.get(email=CLIENT["email"]).phone == CLIENT["phone"]
    report = bring(world.provider_admin_a, world.provider_a, both[0] | {"phone": "1"}, both[1] | {"phone": "2"})
    assert [error.code for error in report.errors] == ["import_rows_disagree"]


def test_a_law_firm_adds_and_does_not_change(world: World) -> None:
    row = CLIENT | {"provider_slug": "provider-a"}
    bring(world.attorney_a, world.firm_a, row)
    report = bring(world.attorney_a, world.firm_a, row | {"phone": "555-7777"})
    assert [error.code for error in report.errors] == ["import_may_not_change"]
    assert on_record(CLIENT["email"]).client.phone == CLIENT["phone"]


def test_a_client_of_another_tenant_is_not_corrected(world: World) -> None:
    bring(world.provider_admin_b, world.provider_b, CLIENT)
    report = bring(world.provider_admin_a, world.provider_a, CLIENT | {"phone": "555-7777"})
    assert report.counts == {"created": 1, "updated": 0, "skipped": 0}
    with as_system():
        assert Client.objects.get(email=CLIENT["email"], provider=world.provider_b).phone == CLIENT["phone"]


def test_a_record_changed_after_the_preview_is_left_alone(
    world: World, client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks of a large file: the other rows go in, the one that would overwrite somebody's work does not."""
    monkeypatch.setattr(writing, "AT_ONCE", 1)
    monkeypatch.setattr(writing, "CHUNK", 1)
    bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR)
    sign_in(client, world.provider_admin_a)
    upload(client, CLIENT | {"phone": "555-7777"}, DEBTOR | NEW)
    run_due("imports.check")
    preview = client.get(run_page(newest(), "row_list"))
    with as_system():
        somebody = on_record(DEBTOR["email"]).client
        somebody.phone = "555-0000"
        somebody.save(update_fields=["phone", "updated_at"])
    say(client, preview)
    run_due("imports.write")
    done = newest()
    assert (done.state, done.updated, done.failed) == (RunState.DONE, 1, 1)
    assert (facts(CLIENT["email"])["phone"], facts(DEBTOR["email"])["phone"]) == ("555-7777", "555-0000")
