"""Bring our rows where the gateway says the money stands.

Everything is asked after the payment is locked and before anything is written: so what is written is never older than
what another worker wrote, and no lock on evidence is held while waiting for the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from audit.models import Level
from audit.services import note
from core import clock
from core.transitions import can_move, transition
from enrollments.enums import EnrollmentStatus
from payments import gateway
from payments.enums import ARRIVED, PaymentStatus, RefundMethod, RefundStatus
from payments.fees import reduced_fee_cents
from payments.models import Payment, Refund
from payments.services.disputes import project_dispute
from payments.services.receipts import send_receipt, send_refund_notice
from payments.services.refunds import refund_guard, refund_payment, refundable_cents
from payments.services.settlement import lock_covered, settle

OPEN_DISPUTE = frozenset({"needs_response", "under_review"})
REFUND_STATUS = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a payment stands at the gateway, asked in one go."""

    session: dict[str, Any]
    intent: dict[str, Any]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]

    @property
    def is_paid(self) -> bool:
        return self.intent.get("status") == "succeeded"

    @property
    def refunded_cents(self) -> int:
        """Given back or on its way."""
        return sum(refund["amount"] for refund in self.refunds if refund["status"] in ("succeeded", "pending"))


def ask(session_id: str) -> Standing:
    """Ask the gateway about everything that belongs to a card page. OutcomeUnknown, Refused."""
    session = gateway.session(session_id)
    intent = session.get("payment_intent") or {}
    if intent.get("status") != "succeeded":
        return Standing(session, intent, [], [])
    return Standing(session, intent, gateway.refunds(intent["id"]), gateway.disputes(intent["id"]))


@transaction.atomic
def sync_payment(payment: Payment) -> Payment:
    """Ask how the payment stands and bring our row, its refunds and its enrollments there. Repeating it changes
    nothing. Raises gateway.OutcomeUnknown when there was no answer."""
    payment = Payment.objects.locked().get(pk=payment.pk)
    if not payment.checkout_session_id:
        return payment
    standing = ask(payment.checkout_session_id)
    payment.asked_at = clock.now()
    payment.payment_intent_id = standing.intent.get("id", payment.payment_intent_id)
    payment.save(update_fields=["asked_at", "payment_intent_id", "updated_at"])
    if standing.is_paid:
        return _project_paid(payment, standing)
    if standing.session["status"] == "expired":
        return _move(payment, PaymentStatus.EXPIRED)
    failure = (standing.intent.get("last_payment_error") or {}).get("code") or ""
    return _move(payment, PaymentStatus.FAILED, failure=failure[:200]) if failure else payment


def _project_paid(payment: Payment, standing: Standing) -> Payment:
    """Locks are taken in the house's order: the payment, its enrollments, evidence."""
    arrives = payment.status not in ARRIVED
    if arrives:
        lock_covered(payment.enrollment)
        payment = _arrive(payment, standing)
        if payment.status not in ARRIVED:
            return payment
    for theirs in standing.refunds:
        _project_refund(payment, theirs)
    refunded = min(standing.refunded_cents + _by_hand_cents(payment), payment.amount_cents)
    if refunded != payment.refunded_cents:
        payment.refunded_cents = refunded
        payment.save(update_fields=["refunded_cents", "updated_at"])
    payment = _move(payment, _status_of(payment, standing))
    for dispute in standing.disputes:
        project_dispute(payment, dispute)
    if arrives:
        _give_back_what_was_not_due(payment)
        settle(payment.enrollment)
    return payment


def _status_of(payment: Payment, standing: Standing) -> PaymentStatus:
    states = {dispute["status"] for dispute in standing.disputes}
    if states & OPEN_DISPUTE:
        return PaymentStatus.DISPUTED
    if "lost" in states:
        return PaymentStatus.LOST
    return PaymentStatus.REFUNDED if payment.refunded_cents >= payment.amount_cents else PaymentStatus.SUCCEEDED


def _by_hand_cents(payment: Payment) -> int:
    """What we gave back of a card payment ourselves; the gateway knows nothing of it."""
    by_hand = Refund.objects.filter(payment=payment, method=RefundMethod.MANUAL, status=RefundStatus.SUCCEEDED)
    total: int = by_hand.aggregate(total=Sum("amount_cents"))["total"] or 0
    return total


def _arrive(payment: Payment, standing: Standing) -> Payment:
    """The money is there. Another amount than was asked for can only be a fault; a person has to look."""
    received = standing.intent.get("amount_received", 0)
    if received != payment.amount_cents:
        note("payments", "A payment arrived with another amount than asked for.", level=Level.ERROR,
             payment=str(payment.pk), asked=payment.amount_cents, received=received)  # fmt: skip
        return payment
    payment = _move(payment, PaymentStatus.SUCCEEDED, succeeded_at=clock.now(), failure="")
    send_receipt(payment)
    return payment


def _give_back_what_was_not_due(payment: Payment) -> None:
    """Refund what arrived although it was not owed any more: a household that paid twice, a fee waived or reduced while
    the card page was open, an enrollment cancelled meanwhile. The receipt of the first payment stays good."""
    surplus = min(_not_due_cents(payment), refundable_cents(payment))
    if surplus > 0 and refund_guard(payment) is None:
        refund_payment(payment, surplus, reason=_("The fee was not due when the payment arrived."))


def _not_due_cents(payment: Payment) -> int:
    enrollment = payment.enrollment
    paid_before = Payment.objects.covering(enrollment).succeeded().exclude(pk=payment.pk)
    if enrollment.has_fee_waiver or enrollment.status == EnrollmentStatus.CANCELLED or paid_before.exists():
        return payment.amount_cents
    reduced = reduced_fee_cents(enrollment)
    return 0 if reduced is None else max(0, payment.amount_cents - reduced)


def _project_refund(payment: Payment, theirs: dict[str, Any]) -> None:
    """Mirror one of the gateway's refunds; one made there by hand becomes a row of ours."""
    ours = _refund_row(payment, theirs)
    if ours is None:
        return
    to = REFUND_STATUS.get(theirs["status"])
    if to is not None and can_move(ours, to):
        failure = str(theirs.get("failure_reason") or "")[:200]
        changes = {"gateway_id": theirs["id"], "failure": failure}
        ours = transition(ours, to, changes=changes, payload={"amount_cents": ours.amount_cents})
        if to == RefundStatus.SUCCEEDED:
            send_refund_notice(ours)


def _refund_row(payment: Payment, theirs: dict[str, Any]) -> Refund | None:
    """The row that mirrors one of the gateway's refunds. None for one made there of money that we gave back otherwise
    already: a person has to look, because more went back than came."""
    known = Refund.objects.filter(payment=payment, gateway_id=theirs["id"]).first()
    own = _id_of((theirs.get("metadata") or {}).get("refund_id"))
    if known is None and own is not None:
        known = Refund.objects.filter(payment=payment, pk=own).first()
    if known is None and theirs["status"] != "failed" and theirs["amount"] > refundable_cents(payment):
        note("payments", "More went back than came: a refund was made at the gateway beside ours.", level=Level.ERROR,
             payment=str(payment.pk), refund=theirs["id"], amount=theirs["amount"])  # fmt: skip
        return None
    return known or Refund.objects.create(
        payment=payment,
        amount_cents=theirs["amount"],
        reason=_("Made at the gateway."),
        idempotency_key=f"gateway-{theirs['id']}",
        gateway_id=theirs["id"],
    )


def _id_of(text: Any) -> UUID | None:
    """The id in metadata; None for what somebody else wrote there."""
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        return None


def _move(payment: Payment, to: str, **changes: Any) -> Payment:
    if payment.status == to:
        return payment
    return transition(payment, to, changes=changes, payload={"amount_cents": payment.amount_cents})
