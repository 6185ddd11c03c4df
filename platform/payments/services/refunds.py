"""Decide to give money back. The decision is a row; the worker carries it out afterwards."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Sum

from approvals.models import ApprovalRequest
from audit.services import record
from core.errors import DomainError
from core.money import format_minor
from core.transitions import transition
from jobs.services import enqueue
from payments.enums import PaymentSource, PaymentStatus, RefundMethod, RefundStatus
from payments.models import Payment, Refund
from payments.refund_plans import RefundPlan
from payments.services.receipts import send_refund_notice

SEND = "payments.send_refund"
_REFUSALS = {PaymentStatus.DISPUTED: "payment_disputed", PaymentStatus.LOST: "payment_lost"}


def refundable_cents(payment: Payment) -> int:
    """What is left of a payment after every refund that succeeded or is under way."""
    under_way = Refund.objects.filter(payment=payment).exclude(status=RefundStatus.FAILED)
    given: int = under_way.aggregate(total=Sum("amount_cents"))["total"] or 0
    return payment.amount_cents - given


def refund_guard(payment: Payment) -> DomainError | None:
    """Why nothing of this payment can be given back now; None when something can."""
    if payment.status in _REFUSALS:
        return DomainError(_REFUSALS[PaymentStatus(payment.status)])
    if payment.status != PaymentStatus.SUCCEEDED or refundable_cents(payment) == 0:
        return DomainError("refund_not_possible")
    return None


def refund_payment(payment: Payment, amount_cents: int, *, reason: str) -> Refund:
    """Decide to give `amount_cents` back the way it came, without asking anybody. DomainError as `decide_refunds`."""
    method = RefundMethod.MANUAL if payment.source == PaymentSource.MANUAL else RefundMethod.CARD
    return decide_refunds(RefundPlan(lines=((payment.pk, amount_cents),), reason=reason, method=method))[0]


@transaction.atomic
def decide_refunds(plan: RefundPlan, *, approval: ApprovalRequest | None = None) -> list[Refund]:
    """Make the plan's refunds, all or none. One to a card is sent by the worker under one key that never changes; one
    by hand is closed here, because the organization itself gives the money.

    A plan that was carried out before gives its refunds again. DomainError: `reason_required`, `refund_plan_empty`,
    `refund_not_possible`, `payment_disputed`, `payment_lost`, `refund_too_large`, `refund_method_impossible`.
    Payment.DoesNotExist when the actor cannot see one of them.
    """
    if not plan.reason.strip():
        raise DomainError("reason_required")
    if not plan.lines:
        raise DomainError("refund_plan_empty")
    wanted = dict(plan.lines)
    locked = list(Payment.objects.locked().filter(pk__in=wanted))
    if len(locked) != len(wanted):
        raise Payment.DoesNotExist
    known = list(Refund.objects.filter(pk__in=[plan.refund_id(pk) for pk in wanted]).order_by("pk"))
    if known:
        return known
    return [_decide(payment, wanted[payment.pk], plan, approval) for payment in locked]


def plan_refusal(payment: Payment, cents: int, plan: RefundPlan) -> DomainError | None:
    """Why this payment's line of the plan cannot be carried out now; None when it can."""
    refusal = refund_guard(payment)
    if refusal is not None:
        return refusal
    left = refundable_cents(payment)
    if not 0 < cents <= left:
        return DomainError("refund_too_large", left=format_minor(left, payment.currency))
    if plan.method == RefundMethod.CARD and payment.source == PaymentSource.MANUAL:
        return DomainError("refund_method_impossible")
    return None


def _decide(payment: Payment, cents: int, plan: RefundPlan, approval: ApprovalRequest | None) -> Refund:
    refusal = plan_refusal(payment, cents, plan)
    if refusal is not None:
        raise refusal
    pk = plan.refund_id(payment.pk)
    refund = Refund.objects.create(
        id=pk,
        payment=payment,
        amount_cents=cents,
        method=plan.method,
        cause=plan.cause,
        reason=plan.reason,
        reference=plan.reference,
        notifies_client=plan.notify,
        approval=approval,
        idempotency_key=f"refund-{pk}",
    )
    facts = {"amount_cents": cents, "method": plan.method, "approval": approval.pk if approval else None}
    record("refund.decided", refund, reason=plan.reason, payload=facts)
    if plan.method == RefundMethod.MANUAL:
        return _close_by_hand(payment, refund)
    enqueue(SEND, refund, dedupe_key=refund.idempotency_key, organization=payment.provider_id)
    return refund


def _close_by_hand(payment: Payment, refund: Refund) -> Refund:
    closed = transition(refund, RefundStatus.SUCCEEDED, payload={"amount_cents": refund.amount_cents})
    payment.refunded_cents += closed.amount_cents
    payment.save(update_fields=["refunded_cents", "updated_at"])
    if payment.refunded_cents >= payment.amount_cents:
        transition(payment, PaymentStatus.REFUNDED)
    send_refund_notice(closed)
    return closed
