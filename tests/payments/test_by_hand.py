"""Money recorded by hand, under its two conditions."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from core.errors import DomainError
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from notifications.models import Message
from payments.enums import PaymentSource, PaymentStatus
from payments.models import Payment
from payments.services.by_hand import manual_payment_allowed, manual_payment_guard, record_manual_payment
from tests.database import as_system
from tests.factories.names import World
from tests.payments.people import acting_as, fresh, invited

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_hand(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""
    settings.MANUAL_PAYMENT_FALLBACK_ENABLED = True


def recorded(world: World, enrollment: Enrollment, note: str = "Check 1042", **more: int) -> Payment:
    with acting_as(world, "provider_admin_a"):
        return record_manual_payment(enrollment, note=note, **more)


def refused(world: World, enrollment: Enrollment, note: str = "Cash", **more: int) -> str:
    with pytest.raises(DomainError) as caught:
        recorded(world, enrollment, note, **more)
    return caught.value.code


def test_it_writes_a_succeeded_payment_and_opens_the_course(world: World) -> None:
    """CERT-85."""
    enrollment = invited(world)

    payment = fresh(recorded(world, enrollment))

    assert (payment.status, payment.source, payment.amount_cents, payment.note) == (
        PaymentStatus.SUCCEEDED, PaymentSource.MANUAL, 5000, "Check 1042",
    )  # fmt: skip
    assert fresh(enrollment).status == EnrollmentStatus.ENROLLED
    with as_system():
        assert Message.objects.filter(event="payment.receipt", to=enrollment.client.email).count() == 1


@pytest.mark.parametrize(
    ("enabled", "key", "allowed"),
    [(True, "", True), (False, "", False), (True, "sk_test_x", False), (False, "sk_test_x", False)],
)
def test_both_conditions_are_needed(world: World, settings: Settings, enabled: bool, key: str, allowed: bool) -> None:
    settings.MANUAL_PAYMENT_FALLBACK_ENABLED, settings.STRIPE_SECRET_KEY = enabled, key

    assert manual_payment_allowed() is allowed
    if not allowed:
        assert refused(world, invited(world)) == "manual_payment_not_allowed"


def test_it_needs_disclosures_a_note_and_a_fee_that_is_due(world: World) -> None:
    enrollment = invited(world)

    assert refused(world, invited(world, acknowledged=False)) == "disclosure_required"
    assert refused(world, enrollment, " ") == "reason_required"
    assert refused(world, enrollment, amount_cents=5001) == "manual_amount_invalid"
    assert refused(world, enrollment, amount_cents=0) == "manual_amount_invalid"
    assert recorded(world, enrollment, amount_cents=4000).amount_cents == 4000
    assert refused(world, enrollment) == "already_paid"
    with as_system():
        assert manual_payment_guard(fresh(enrollment)).code == "already_paid"


def test_no_other_provider_records_it(world: World) -> None:
    with pytest.raises(Enrollment.DoesNotExist):
        recorded(world, invited(world, "b"))
