"""What the worker asks of the gateway: carry out a refund, close a card page."""

from __future__ import annotations

from django.db import transaction

from core.transitions import transition
from enrollments.models import Enrollment
from jobs.services import enqueue
from payments import gateway
from payments.enums import DISPUTE_OPEN, DisputeDecision, RefundStatus
from payments.models import Dispute, Payment, Refund
from payments.services.projection import sync_payment

CLOSE = "payments.close_pages"


@transaction.atomic
def send_refund(refund: Refund) -> str:
    """Carry out a decided refund; returns a sentence for the job. A refusal closes the refund as failed; an unknown
    outcome raises gateway.OutcomeUnknown, and the job tries again under the same key.

    The gateway forgets a key after a day and repeats its own faults until then, so what it already did is looked up
    before it is asked.
    """
    payment = Payment.objects.locked().get(pk=refund.payment_id)
    refund = Refund.objects.get(pk=refund.pk)
    if refund.status != RefundStatus.CREATED:
        return f"The refund is {refund.status} already."
    if not _done_before(payment, refund):
        try:
            answer = gateway.refund(
                payment.payment_intent_id, refund.amount_cents, refund_id=str(refund.pk), key=refund.idempotency_key
            )
        except gateway.Refused as error:
            transition(refund, RefundStatus.FAILED, changes={"failure": str(error)[:200]})
            sync_payment(payment)
            return "The gateway refused the refund."
        refund.gateway_id = answer["id"]
        refund.save(update_fields=["gateway_id", "updated_at"])
    sync_payment(payment)
    return f"The refund is {Refund.objects.get(pk=refund.pk).status}."


def _done_before(payment: Payment, refund: Refund) -> bool:
    """Whether the gateway carried this refund out already, without our having heard its answer."""
    found = gateway.refunds(payment.payment_intent_id)
    return any((theirs.get("metadata") or {}).get("refund_id") == str(refund.pk) for theirs in found)


@transaction.atomic
def send_dispute_decision(dispute: Dispute) -> str:
    """Tell the gateway what was decided about a dispute; returns a sentence for the job. What it did already is not
    asked for again; an unknown outcome raises gateway.OutcomeUnknown, and the job tries again under the same key."""
    payment = Payment.objects.locked().get(pk=dispute.payment_id)
    sync_payment(payment)
    dispute = Dispute.objects.get(pk=dispute.pk)
    if dispute.status not in DISPUTE_OPEN or dispute.decision == DisputeDecision.NONE:
        return f"Nothing to send: the dispute is {dispute.status}."
    key = f"dispute-{dispute.pk}-{dispute.decision}"
    try:
        if dispute.decision == DisputeDecision.ACCEPT:
            gateway.accept_dispute(dispute.gateway_id, key=key)
        else:
            gateway.answer_dispute(dispute.gateway_id, dispute.evidence, key=key)
    except gateway.Refused as error:
        dispute.failure = str(error)[:200]
        dispute.save(update_fields=["failure", "updated_at"])
        return "The gateway refused it."
    sync_payment(payment)
    return f"The dispute is {Dispute.objects.get(pk=dispute.pk).status}."


def ask_to_close_pages(enrollment: Enrollment, *, why: str) -> None:
    """Have the worker close the card pages of an enrollment that no longer fit what is due."""
    for payment in Payment.objects.filter(enrollment=enrollment).open().exclude(checkout_session_id=""):
        key = f"close-page:{payment.pk}:{why}"
        enqueue(CLOSE, payment, dedupe_key=key, organization=enrollment.provider_id)


def close_page(payment: Payment) -> str:
    """Close the card page of a payment; one that was paid meanwhile stays paid. Returns a sentence for the job."""
    try:
        gateway.close_checkout(payment.checkout_session_id)
    except gateway.Refused:
        return f"It could not be closed: the payment is {sync_payment(payment).status}."
    return f"Closed: the payment is {sync_payment(payment).status}."
