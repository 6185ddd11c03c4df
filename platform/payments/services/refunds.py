"""Decide to give money back. The decision is a row; the worker carries it out afterwards."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import Sum

from audit.services import record
from core.errors import DomainError
from core.money import format_minor
from core.transitions import transition
from jobs.services import enqueue
from payments.enums import PaymentSource, PaymentStatus, RefundStatus
from payments.models import Payment, Refund
from payments.services.receipts import send_refund_notice

SEND = "payments.send_refund"


def refundable_cents(payment: Payment) -> int:
    """What is left of a payment after every refund that succeeded or is under way."""
    under_way = Refund.objects.filter(payment=payment).exclude(status=RefundStatus.FAILED)
    given: int = under_way.aggregate(total=Sum("amount_cents"))["total"] or 0
    return payment.amount_cents - given


def refund_guard(payment: Payment) -> DomainError | None:
    """Why nothing of this payment can be given back now; None when something can."""
    if payment.status != PaymentStatus.SUCCEEDED or refundable_cents(payment) == 0:
        return DomainError("refund_not_possible")
    return None


@transaction.atomic
def refund_payment(payment: Payment, amount_cents: int, *, reason: str) -> Refund:
    """Decide to give `amount_cents` back. A card refund is sent by the worker under one key that never changes; a
    payment recorded by hand is given back by hand and closed here.

    DomainError: `reason_required`, `refund_not_possible`, `refund_too_large`.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    locked = Payment.objects.locked().get(pk=payment.pk)
    refusal = refund_guard(locked)
    if refusal is not None:
        raise refusal
    left = refundable_cents(locked)
    if not 0 < amount_cents <= left:
        raise DomainError("refund_too_large", left=format_minor(left, locked.currency))
    pk = uuid.uuid4()
    refund = Refund.objects.create(
        id=pk, payment=locked, amount_cents=amount_cents, reason=reason, idempotency_key=f"refund-{pk}"
    )
    record("refund.decided", refund, reason=reason, payload={"amount_cents": amount_cents})
    if locked.source == PaymentSource.MANUAL:
        return _close_by_hand(locked, refund)
    enqueue(SEND, refund, dedupe_key=refund.idempotency_key, organization=locked.provider_id)
    return refund


def _close_by_hand(payment: Payment, refund: Refund) -> Refund:
    closed = transition(refund, RefundStatus.SUCCEEDED, payload={"amount_cents": refund.amount_cents})
    payment.refunded_cents += closed.amount_cents
    payment.save(update_fields=["refunded_cents", "updated_at"])
    if payment.refunded_cents >= payment.amount_cents:
        transition(payment, PaymentStatus.REFUNDED)
    send_refund_notice(closed)
    return closed
