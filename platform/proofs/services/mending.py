"""What can be done about a difference: the act that mends it, or the reason why it may stand."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction

from core import clock
from core.errors import DomainError
from core.transitions import transition
from enrollments.models import Enrollment
from jobs.services import enqueue
from payments import gateway
from payments.models import Payment
from payments.services.events import payment_behind
from payments.services.projection import sync_payment
from payments.services.settlement import settle
from proofs.enums import DifferenceKind, DifferenceStatus
from proofs.models import ProofDifference
from proofs.services import inside, outside
from proofs.services.findings import Finding, close

MEND = "proofs.mend"
_RESTORE = frozenset({DifferenceKind.PAYMENT_MISSING_HERE})
_SETTLE = frozenset({DifferenceKind.FEE_NOT_SETTLED})
_LOOK_ONLY = frozenset({DifferenceKind.FEE_NEVER_PAID, DifferenceKind.PAYMENT_AMOUNT, DifferenceKind.REFUND_AMOUNT})


def mend_guard(difference: ProofDifference) -> DomainError | None:
    """Why no act of ours mends this difference; None when one may."""
    if difference.kind in _LOOK_ONLY or not (_is_about(difference) or difference.kind in _RESTORE | _SETTLE):
        return DomainError("no_fix_known")
    if difference.kind not in _SETTLE and not gateway.is_configured():
        return DomainError("cards_not_available")
    return None


def _is_about(difference: ProofDifference) -> bool:
    return difference.payment_id is not None


@transaction.atomic
def ask_to_mend(difference: ProofDifference, *, reason: str = "") -> None:
    """Have the worker mend it: the gateway is asked, and that takes a moment. DomainError as `mend_guard` says."""
    refusal = mend_guard(difference)
    if refusal is not None:
        raise refusal
    key = f"mend:{difference.pk}:{clock.now():%Y%m%dT%H%M%S%f}"
    enqueue(MEND, difference, dedupe_key=key, organization=difference.provider_id)


@transaction.atomic
def mend(difference: ProofDifference) -> ProofDifference:
    """Do what mends this kind of difference, look again, and close it when it is gone. Repeating it changes nothing.
    DomainError as `mend_guard` says, `gateway_has_no_page`; OutcomeUnknown when the gateway did not answer."""
    refusal = mend_guard(difference)
    if refusal is not None:
        raise refusal
    if difference.kind in _SETTLE and difference.enrollment is not None:
        settle(difference.enrollment)
    else:
        payment = difference.payment or _restored(difference)
        sync_payment(payment)
        difference.payment = payment
    return difference if _still_there(difference) else close(difference)


def _restored(difference: ProofDifference) -> Payment:
    page = gateway.page_behind(difference.gateway_id)
    payment = payment_behind(page) if page is not None else None
    if payment is None:
        raise DomainError("gateway_has_no_page")
    difference.payment, difference.provider_id = payment, payment.provider_id
    difference.save(update_fields=["payment", "provider", "updated_at"])
    return payment


def _still_there(difference: ProofDifference) -> bool:
    return difference.key in {finding.key for finding in _looked_at_again(difference)}


def _looked_at_again(difference: ProofDifference) -> Iterator[Finding]:
    if difference.enrollment_id is not None:
        yield from inside.unsettled_fees(Enrollment.objects.filter(pk=difference.enrollment_id))
        return
    payment = difference.payment
    if payment is None:
        return
    yield from inside.refund_sums(Payment.objects.filter(pk=payment.pk))
    book = outside.page_of_book(payment.payment_intent_id) if payment.payment_intent_id else outside.Book([], [], [])
    yield from outside.compare_book(book)
    if not book.charges:
        yield outside.absent_payment(payment)
    if difference.refund is not None and difference.refund.gateway_id not in {row["id"] for row in book.refunds}:
        yield outside.absent_refund(difference.refund)


def explain(difference: ProofDifference, *, reason: str) -> ProofDifference:
    """Say why a difference may stand; it is no longer unexplained. It opens again when it changes. DomainError
    `reason_required`, `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    changes = {"explanation": reason, "resolved_at": clock.now()}
    return transition(difference, DifferenceStatus.EXPLAINED, reason=reason, changes=changes)
