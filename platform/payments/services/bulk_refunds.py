"""Give many payments back at once, each for itself, with a line that says what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction

from core.errors import DomainError
from payments.enums import PaymentSource, RefundCause, RefundMethod
from payments.models import BulkRefundLine, Payment
from payments.refund_plans import RefundPlan
from payments.services.giving_back import give_back
from payments.services.refunds import refundable_cents


@dataclass(frozen=True, slots=True)
class BulkRefund:
    """The wish: `cents` of each payment (None: all that is left), each the way it came. `run` names it for ever;
    `reference` says how money that came by hand goes back. `shown` is what the person saw as left of each, in cents:
    a payment of which something else is left now stays as it is, with `changed_meanwhile`."""

    run: UUID
    payments: Sequence[UUID]
    reason: str
    cause: RefundCause = RefundCause.OTHER
    cents: int | None = None
    reference: str = ""
    notify: bool = True
    shown: Mapping[UUID, int] = field(default_factory=dict)

    def plan(self, payment: Payment) -> RefundPlan:
        """The plan for one of the payments."""
        by_hand = payment.source == PaymentSource.MANUAL
        amount = refundable_cents(payment) if self.cents is None else self.cents
        return RefundPlan(
            lines=((payment.pk, amount),),
            reason=self.reason,
            method=RefundMethod.MANUAL if by_hand else RefundMethod.CARD,
            cause=self.cause,
            reference=self.reference if by_hand else "",
            notify=self.notify,
            key=uuid.uuid5(self.run, str(payment.pk)),
        )

    def refuse_changed(self, payment: Payment) -> None:
        """DomainError `changed_meanwhile` when something else is left of the payment than the person saw."""
        left = refundable_cents(payment)
        if self.shown.get(payment.pk, left) != left:
            raise DomainError("changed_meanwhile")


@transaction.atomic
def refund_many(wish: BulkRefund) -> list[BulkRefundLine]:
    """Refund each payment in a step of its own, so that a refusal of one leaves the others; returns a line for each.

    The limit of one person is asked about the sum of the run. A run that was carried out before returns its lines
    again. Payments out of sight count as absent.
    """
    payments = {payment.pk: payment for payment in Payment.objects.locked().filter(pk__in=wish.payments)}
    known = list(BulkRefundLine.objects.filter(run=wish.run, payment__in=payments).order_by("position"))
    if known:
        return known
    ordered = [payments[pk] for pk in dict.fromkeys(wish.payments) if pk in payments]
    plans = [wish.plan(payment) for payment in ordered]
    together = sum(plan.total_cents for plan in plans)
    return [
        _one(wish, position, payment, plan, together)
        for position, (payment, plan) in enumerate(zip(ordered, plans, strict=True), 1)
    ]


def _one(wish: BulkRefund, position: int, payment: Payment, plan: RefundPlan, together: int) -> BulkRefundLine:
    line = BulkRefundLine(run=wish.run, position=position, payment=payment, amount_cents=max(plan.total_cents, 0))
    try:
        wish.refuse_changed(payment)
        with transaction.atomic():
            done = give_back(plan, together_cents=together)
    except DomainError as refusal:
        line.code, line.sentence = refusal.code, str(refusal)[:300]
    else:
        line.refund = done.refunds[0] if done.refunds else None
        line.approval = done.approval
    line.save(force_insert=True)
    return line
