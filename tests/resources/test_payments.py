"""Payments that came by cash, check or transfer, brought in by file."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import User
from audit.models import AuditEvent
from core.context import acting
from organizations.actors import load_actor
from organizations.models import Organization
from payments.enums import PaymentSource, PaymentStatus
from payments.models import Payment
from resources.importing import ImportReport, run_import
from resources.payments import PaymentResource
from tests.database import as_system
from tests.factories.names import World
from tests.resources.files import csv_file

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_cards(settings: Any) -> None:
    settings.MANUAL_PAYMENT_FALLBACK_ENABLED = True
    settings.STRIPE_SECRET_KEY = ""


def bring(user: User, home: Organization, *rows: dict[str, Any]) -> ImportReport:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        return run_import(PaymentResource(actor, home), csv_file(*rows), name="payments.csv", dry_run=False)


def recorded(world: World) -> list[Payment]:
    with as_system():
        return list(Payment.objects.filter(source=PaymentSource.MANUAL))


@pytest.fixture
def row(world: World) -> dict[str, Any]:
    """A line for an enrollment that may be paid: its disclosures are acknowledged."""
    with as_system():
        from enrollments.models import DisclosureAcknowledgement  # noqa: PLC0415 -- models load with the database

        known = world.acknowledgement_a
        DisclosureAcknowledgement.objects.get_or_create(
            enrollment=world.invited_a, disclosures_id=known.disclosures_id,
            defaults={"user": world.client_user_a, "language": "en", "shown_sha256": known.shown_sha256},
        )  # fmt: skip
    return {"enrollment_id": str(world.invited_a.pk), "reference": "Check 1042"}


def test_a_check_is_recorded_once(world: World, row: dict[str, Any]) -> None:
    first = bring(world.provider_admin_a, world.provider_a, row)
    again = bring(world.provider_admin_a, world.provider_a, row)
    assert (first.counts["created"], again.counts["skipped"]) == (1, 1), [*first.errors, *again.errors]
    [payment] = recorded(world)
    assert (payment.status, payment.note) == (PaymentStatus.SUCCEEDED, "Check 1042")


def test_another_amount_under_a_known_reference_is_refused(world: World, row: dict[str, Any]) -> None:
    bring(world.provider_admin_a, world.provider_a, row | {"amount_cents": "5000"})
    report = bring(world.provider_admin_a, world.provider_a, row | {"amount_cents": "1"})
    assert [error.code for error in report.errors] == ["import_money_stays"]
    assert "amount_cents" in report.errors[0].sentence
    assert [payment.amount_cents for payment in recorded(world)] == [5000]


def test_a_mistyped_reference_is_corrected_and_money_stays(world: World, row: dict[str, Any]) -> None:
    bring(world.provider_admin_a, world.provider_a, row | {"amount_cents": "5000"})
    [payment] = recorded(world)
    right = row | {"id": str(payment.pk), "reference": "Check 1024"}
    report = bring(world.provider_admin_a, world.provider_a, right)
    assert report.counts == {"created": 0, "updated": 1, "skipped": 0}, report.errors
    [after] = recorded(world)
    assert (after.note, after.amount_cents, after.status) == ("Check 1024", 5000, payment.status)
    with as_system():
        assert after.history.latest("history_date").history_change_reason.startswith("import ")
        assert AuditEvent.objects.filter(act="payment.annotated", target_id=str(after.pk)).count() == 1
    report = bring(world.provider_admin_a, world.provider_a, right | {"amount_cents": "1"})
    assert [error.code for error in report.errors] == ["import_money_stays"]
    other = right | {"enrollment_id": str(world.studying_a.pk)}
    assert [e.code for e in bring(world.provider_admin_a, world.provider_a, other).errors] == ["import_money_stays"]


def test_a_payment_of_another_tenant_or_by_card_is_unknown(world: World, row: dict[str, Any]) -> None:
    for payment in (world.payment_b, world.payment_a):
        report = bring(world.provider_admin_a, world.provider_a, row | {"id": str(payment.pk)})
        assert [error.code for error in report.errors] == ["import_reference_unknown"]


def test_an_enrollment_of_another_tenant_is_unknown(world: World, row: dict[str, Any]) -> None:
    report = bring(world.provider_admin_a, world.provider_a, row | {"enrollment_id": str(world.invited_b.pk)})
    assert [error.code for error in report.errors] == ["import_reference_unknown"]
    assert recorded(world) == []


def test_a_refusal_of_the_service_is_the_reason_of_the_row(world: World, row: dict[str, Any], settings: Any) -> None:
    settings.MANUAL_PAYMENT_FALLBACK_ENABLED = False
    report = bring(world.provider_admin_a, world.provider_a, row)
    assert [error.code for error in report.errors] == ["manual_payment_not_allowed"]
