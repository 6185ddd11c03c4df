"""The import engine and the import of enrollments: rights, reasons, all or nothing."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from enrollments.models import Enrollment
from organizations.actors import load_actor
from organizations.models import Organization
from resources.enrollments import EnrollmentResource
from resources.importing import ImportReport, run_import
from tests.database import as_system
from tests.factories.names import World
from tests.resources.files import CLIENT, DEBTOR, csv_file

pytestmark = pytest.mark.django_db


def bring(user: User, home: Organization, *rows: dict[str, Any], dry_run: bool = False, **options: Any) -> ImportReport:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        return run_import(
            EnrollmentResource(actor, home), csv_file(*rows), name="clients.csv", dry_run=dry_run, **options
        )


def enrolled(email: str) -> list[Enrollment]:
    with as_system():
        return list(Enrollment.objects.filter(client__email=email).select_related("client", "provider", "firm"))


def test_a_firm_brings_clients_to_a_provider(world: World) -> None:
    report = bring(world.attorney_a, world.firm_a, CLIENT | {"provider_slug": "provider-a"})
    assert (report.applied, report.counts) == (True, {"created": 1, "updated": 0, "skipped": 0})
    [made] = enrolled("maria@example.org")
    assert (made.provider, made.firm, made.client.firm_id) == (world.provider_a, world.firm_a, world.firm_a.pk)
    assert (made.client.birth_date, made.client.ssn_last4, made.language) == ("1985-04-30", "6789", "es")


def test_a_provider_brings_its_own_clients(world: World) -> None:
    report = bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR)
    assert report.counts["created"] == 2
    [debtor] = enrolled("jo@example.org")
    assert (debtor.provider, debtor.firm, debtor.chapter) == (world.provider_a, None, "7")


def test_a_dry_run_counts_and_writes_nothing(world: World) -> None:
    report = bring(world.provider_admin_a, world.provider_a, CLIENT, dry_run=True)
    assert (report.applied, report.counts["created"]) == (False, 1)
    assert enrolled("maria@example.org") == []


def test_the_same_file_again_changes_nothing(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, CLIENT)
    report = bring(world.provider_admin_a, world.provider_a, CLIENT)
    assert report.counts == {"created": 0, "updated": 0, "skipped": 1}
    assert len(enrolled("maria@example.org")) == 1


def test_what_a_file_may_not_replace_is_refused(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, DEBTOR)
    report = bring(world.provider_admin_a, world.provider_a, DEBTOR | {"first_set_341_date": "2099-06-20"})
    assert [error.code for error in report.errors] == ["import_would_overwrite"]
    assert "first_set_341_date" in report.errors[0].sentence
    assert str(enrolled(DEBTOR["email"])[0].first_set_341_date) == "2099-05-20"


def test_one_refused_row_keeps_the_whole_file_out(world: World) -> None:
    report = bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR | {"ssn_last4": "0000"})
    assert [(error.row, error.code) for error in report.errors] == [(3, "ssn_last4_invalid")]
    assert (report.applied, enrolled("maria@example.org")) == (False, [])


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"kind": "XX"}, "kind", "import_value_not_listed"),
        ({"kind": ""}, "kind", "import_value_missing"),
        ({"court_id": "nowhere"}, "court_id", "import_reference_unknown"),
        ({"birth_date": "04/30/1985"}, "birth_date", "import_value_invalid"),
        ({"phone": "5" * 41}, "phone", "import_value_invalid"),
        ({"provider_slug": "provider-b"}, "", "import_reference_unknown"),
        ({"firm_slug": "firm-b"}, "firm_slug", "import_reference_unknown"),
        ({"kind": "DE", "chapter": "13"}, "", "de_deadline_required"),
        ({"first_name": "123"}, "", "name_invalid"),
    ],
)
def test_a_faulty_row_says_where_and_why(world: World, change: dict[str, str], column: str, code: str) -> None:
    report = bring(world.provider_admin_a, world.provider_a, CLIENT | change)
    assert [(error.row, error.column, error.code) for error in report.errors] == [(2, column, code)]
    assert report.errors[0].sentence


def test_a_firm_must_name_a_provider_that_takes_clients(world: World) -> None:
    report = bring(world.attorney_a, world.firm_a, CLIENT)
    assert [error.code for error in report.errors] == ["import_value_missing"]


@pytest.mark.parametrize("column", ["tenant", "provider", "is_superuser", "id", "status", "delete", "has_fee_waiver"])
def test_columns_beyond_the_declared_ones_are_refused(world: World, column: str) -> None:
    with pytest.raises(DomainError) as refused:
        bring(world.provider_admin_a, world.provider_a, CLIENT | {column: "1"})
    assert refused.value.code == "import_column_unknown"
    assert enrolled("maria@example.org") == []


def test_a_missing_required_column_is_named(world: World) -> None:
    with pytest.raises(DomainError, match="court_id"):
        bring(world.provider_admin_a, world.provider_a, {k: v for k, v in CLIENT.items() if k != "court_id"})


def test_an_empty_file_and_a_long_file_are_refused(world: World) -> None:
    for rows, code in (([{**CLIENT}], "import_too_many_rows"), ([], "import_empty")):
        with as_system():
            actor = load_actor(world.provider_admin_a)
        content = csv_file(*rows) if rows else ",".join(CLIENT).encode() + b"\n"
        with acting(actor), pytest.raises(DomainError) as refused:
            run_import(EnrollmentResource(actor, world.provider_a), content, name="x.csv", dry_run=True, row_limit=0)
        assert refused.value.code == code


def test_the_same_row_twice_in_one_file_is_refused(world: World) -> None:
    report = bring(world.provider_admin_a, world.provider_a, CLIENT, CLIENT | {"email": "MARIA@example.org"})
    assert [(error.row, error.code) for error in report.errors] == [(3, "import_row_repeated")]


def test_a_person_known_under_another_address_is_reported(world: World) -> None:
    bring(world.provider_admin_a, world.provider_a, CLIENT)
    report = bring(world.provider_admin_a, world.provider_a, CLIENT | {"email": "other@example.org"})
    assert [error.code for error in report.errors] == ["import_duplicate_client"]


def test_a_client_of_another_tenant_is_neither_found_nor_touched(world: World) -> None:
    theirs = world.client_b
    row = CLIENT | {"first_name": theirs.first_name, "last_name": theirs.last_name, "email": theirs.email}
    report = bring(world.provider_admin_a, world.provider_a, row)
    assert report.counts["created"] == 1
    assert (world.client_b.phone, world.client_b.provider) == (theirs.phone, world.provider_b)
    assert {made.provider for made in enrolled(theirs.email)} == {world.provider_a, world.provider_b}


@pytest.mark.parametrize(
    ("person", "home", "code"),
    [
        ("counselor_a", "provider_a", "import_not_yours"),
        ("auditor", "provider_a", "import_not_yours"),
        ("client_user_a", "provider_a", "import_not_yours"),
        ("provider_admin_a", "provider_b", "import_not_yours"),
        ("attorney_a", "provider_a", "import_not_yours"),
        ("two_hats", "provider_a", "import_not_yours"),
    ],
)
def test_who_may_not_import_is_refused(world: World, person: str, home: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        bring(getattr(world, person), getattr(world, home), CLIENT | {"provider_slug": "provider-a"})
    assert refused.value.code == code
    assert enrolled("maria@example.org") == []


def test_every_version_and_the_evidence_name_the_import(world: World) -> None:
    number = uuid.uuid4()
    report = bring(world.provider_admin_a, world.provider_a, CLIENT, import_id=number)
    [made] = enrolled("maria@example.org")
    with as_system():
        reasons = {made.history.get().history_change_reason, made.client.history.get().history_change_reason}
        event = AuditEvent.objects.get(act="enrollments.imported")
    assert reasons == {f"import {number}"}
    assert event.organization_id == world.provider_a.pk
    assert event.payload == {
        "import": str(number), "sha256": report.sha256, "rows": 1, "created": 1, "updated": 0, "skipped": 0,
        "failed": 0,
    }  # fmt: skip


def test_another_outcome_than_the_expected_one_is_not_written(world: World) -> None:
    preview = bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR, dry_run=True)
    bring(world.provider_admin_a, world.provider_a, CLIENT)
    with pytest.raises(DomainError) as refused:
        bring(world.provider_admin_a, world.provider_a, CLIENT, DEBTOR, expected_snapshot=preview.snapshot)
    assert refused.value.code == "import_changed"
    assert enrolled("jo@example.org") == []
