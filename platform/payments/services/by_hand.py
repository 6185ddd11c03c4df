"""Record money that came another way than by card."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import transaction

from audit.services import record
from core import clock
from core.errors import DomainError
from core.money import format_minor
from enrollments.models import Enrollment
from payments import gateway
from payments.enums import PaymentSource, PaymentStatus
from payments.models import Payment
from payments.services.checkout import amount_due
from payments.services.receipts import send_receipt
from payments.services.settlement import lock_for_fee, settle


def manual_payment_allowed() -> bool:
    """The two conditions of the manual fallback: it is switched on, and no card service is set up."""
    return bool(settings.MANUAL_PAYMENT_FALLBACK_ENABLED) and not gateway.is_configured()


def manual_payment_guard(enrollment: Enrollment) -> DomainError | None:
    """Why no payment can be recorded by hand for this enrollment now; None when it can."""
    if not manual_payment_allowed():
        return DomainError("manual_payment_not_allowed")
    try:
        amount_due(enrollment)
    except DomainError as refusal:
        return refusal
    return None


@transaction.atomic
def record_manual_payment(enrollment: Enrollment, *, note: str, amount_cents: int | None = None) -> Payment:
    """Record that the fee arrived by cash, check or transfer, as a succeeded payment, and open the course.

    `note` says how it came. `amount_cents` is the fee due unless the provider took less. DomainError:
    `manual_payment_not_allowed`, `reason_required`, `manual_amount_invalid`, `already_paid`, `nothing_to_pay`,
    `waiver_open`, `disclosure_required`, `payment_not_open`.
    """
    if not manual_payment_allowed():
        raise DomainError("manual_payment_not_allowed")
    if not note.strip():
        raise DomainError("reason_required")
    locked = lock_for_fee(enrollment)
    due = amount_due(locked)
    amount = due if amount_cents is None else amount_cents
    if not 0 < amount <= due:
        raise DomainError("manual_amount_invalid", due=format_minor(due))
    payment = Payment.objects.create(
        provider_id=locked.provider_id,
        enrollment=locked,
        household_id=locked.household_id,
        amount_cents=amount,
        source=PaymentSource.MANUAL,
        status=PaymentStatus.SUCCEEDED,
        succeeded_at=clock.now(),
        idempotency_key=f"manual-{uuid.uuid4().hex}",
        note=note,
    )
    record("payment.recorded_by_hand", payment, reason=note, payload={"amount_cents": amount})
    send_receipt(payment)
    settle(locked)
    return payment


@transaction.atomic
def annotate_payment(payment: Payment, *, note: str) -> Payment:
    """Say anew how money that was recorded by hand came: a check's number that was mistyped. Nothing else of a payment
    on record can be corrected. DomainError `reason_required`, `manual_payment_only`, `payment_noted_already` when
    another payment of the enrollment stands under this note."""
    if not note.strip():
        raise DomainError("reason_required")
    locked = Payment.objects.locked().get(pk=payment.pk)
    if locked.source != PaymentSource.MANUAL:
        raise DomainError("manual_payment_only")
    twins = Payment.objects.filter(enrollment=locked.enrollment_id, source=PaymentSource.MANUAL, note=note)
    if twins.exclude(pk=locked.pk).exists():
        raise DomainError("payment_noted_already")
    locked.note = note
    locked.save(update_fields=["note", "updated_at"])
    record("payment.annotated", locked, reason=note)
    return locked
