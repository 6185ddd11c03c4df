"""Our books against the gateway's: charges, refunds, disputes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from payments import gateway
from payments.enums import ARRIVED, PaymentSource, PaymentStatus, RefundStatus
from payments.models import Payment, Refund
from payments.services.projection import OPEN_DISPUTE, REFUND_STATUS
from proofs.enums import DifferenceKind
from proofs.services.findings import Finding, moment, of_payment

AT_ONCE = 1000
# We hear of a charge when its event is applied; a charge shortly before the span may have arrived within it.
LATE = dt.timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Book:
    """What the gateway has on record for a span, or for one payment."""

    charges: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    disputes: list[dict[str, Any]]


def read_book(since: dt.datetime, until: dt.datetime) -> Book:
    """The gateway's book of a span. OutcomeUnknown, Refused when it could not be read as a whole."""
    charges = [row for row in gateway.charges_between(since, until) if row["status"] == "succeeded"]
    refunds = list(gateway.refunds_between(since, until))
    return Book(charges, refunds, list(gateway.disputes_between(since, until)))


def page_of_book(intent_id: str) -> Book:
    """The gateway's book of one payment. OutcomeUnknown, Refused."""
    charge = gateway.intent(intent_id).get("latest_charge") or {}
    charges = [charge] if charge.get("status") == "succeeded" else []
    return Book(charges, gateway.refunds(intent_id), gateway.disputes(intent_id))


def compare_book(book: Book) -> Iterator[Finding]:
    """What of the gateway's book does not fit ours."""
    rows = (*book.charges, *book.refunds, *book.disputes)
    payments = _payments_behind({row["payment_intent"] for row in rows if row["payment_intent"]}, book.charges)
    for charge in book.charges:
        yield from _judge_charge(charge, payments.get(charge["payment_intent"]))
    refunds = _refunds_behind(book.refunds)
    for refund in book.refunds:
        ours = refunds.get(refund["id"]) or refunds.get(_note(refund, "refund_id"))
        payment = ours.payment if ours is not None else payments.get(refund["payment_intent"])
        yield from _judge_refund(refund, ours, payment)
    for dispute in book.disputes:
        yield from _judge_dispute(dispute, payments.get(dispute["payment_intent"]))


def missing_there(book: Book, since: dt.datetime, until: dt.datetime) -> Iterator[Finding]:
    """What our books say of a span and the gateway's do not."""
    charged = {charge["payment_intent"] for charge in book.charges}
    card = Payment.objects.filter(source=PaymentSource.CARD, status__in=ARRIVED)
    for payment in card.filter(succeeded_at__gte=since + LATE, succeeded_at__lt=until).iterator(AT_ONCE):
        if payment.payment_intent_id not in charged:
            yield absent_payment(payment)
    known = {refund["id"] for refund in book.refunds}
    made = Refund.objects.filter(payment__source=PaymentSource.CARD).exclude(gateway_id="")
    span = made.filter(created_at__gte=since + LATE, created_at__lt=until).select_related("payment")
    for refund in span.iterator(AT_ONCE):
        if refund.gateway_id not in known:
            yield absent_refund(refund)


def absent_payment(payment: Payment) -> Finding:
    return Finding(DifferenceKind.PAYMENT_MISSING_THERE, str(payment.pk), of_payment(payment))


def absent_refund(refund: Refund) -> Finding:
    facts = of_payment(
        refund.payment, refund_id=refund.pk, gateway_id=refund.gateway_id, ours=refund.status,
        ours_cents=refund.amount_cents, happened_at=refund.created_at,
    )  # fmt: skip
    return Finding(DifferenceKind.REFUND_MISSING_THERE, str(refund.pk), facts)


def _judge_charge(charge: dict[str, Any], payment: Payment | None) -> Iterator[Finding]:
    theirs = {"theirs": charge["status"], "theirs_cents": charge["amount"], "happened_at": moment(charge["created"])}
    if payment is None:
        facts = theirs | {"gateway_id": charge["payment_intent"]}
        yield Finding(DifferenceKind.PAYMENT_MISSING_HERE, charge["payment_intent"], facts)
    elif payment.status not in ARRIVED:
        yield Finding(DifferenceKind.PAYMENT_NOT_ARRIVED_HERE, str(payment.pk), of_payment(payment, **theirs))
    elif payment.amount_cents != charge["amount"]:
        yield Finding(DifferenceKind.PAYMENT_AMOUNT, str(payment.pk), of_payment(payment, **theirs))


def _judge_refund(theirs: dict[str, Any], ours: Refund | None, payment: Payment | None) -> Iterator[Finding]:
    facts: dict[str, Any] = {
        "gateway_id": theirs["id"], "theirs": theirs["status"], "theirs_cents": theirs["amount"],
        "happened_at": moment(theirs["created"]),
    }  # fmt: skip
    if payment is not None:
        facts = of_payment(payment, **facts) | {"ours": "", "ours_cents": None}
    if ours is None:
        yield Finding(DifferenceKind.REFUND_MISSING_HERE, theirs["id"], facts)
        return
    facts |= {"refund_id": ours.pk, "ours": ours.status, "ours_cents": ours.amount_cents}
    if ours.amount_cents != theirs["amount"]:
        yield Finding(DifferenceKind.REFUND_AMOUNT, theirs["id"], facts)
    if ours.status != REFUND_STATUS.get(theirs["status"], RefundStatus.CREATED):
        yield Finding(DifferenceKind.REFUND_STATE, theirs["id"], facts)


def _judge_dispute(dispute: dict[str, Any], payment: Payment | None) -> Iterator[Finding]:
    lost = dispute["status"] == "lost"
    if not lost and dispute["status"] not in OPEN_DISPUTE:
        return
    if payment is not None and payment.status in {PaymentStatus.LOST, PaymentStatus.DISPUTED} - (
        {PaymentStatus.DISPUTED} if lost else set()
    ):
        return
    theirs = {
        "gateway_id": dispute["id"], "theirs": dispute["status"], "theirs_cents": dispute["amount"],
        "happened_at": moment(dispute["created"]),
    }  # fmt: skip
    facts = of_payment(payment, **theirs) if payment is not None else theirs
    yield Finding(DifferenceKind.DISPUTE, dispute["id"], facts)


def _payments_behind(intents: Iterable[str], charges: Iterable[dict[str, Any]]) -> dict[str, Payment]:
    """Our payments by the gateway's intent; found by the intent we know, else by our id on the charge."""
    found: dict[str, Payment] = {}
    for some in _batches(intents):
        found |= {row.payment_intent_id: row for row in Payment.objects.filter(payment_intent_id__in=some)}
    named = {
        pk: charge["payment_intent"] for charge in charges
        if charge["payment_intent"] not in found and (pk := _uuid(_note(charge, "payment_id")))
    }  # fmt: skip
    for keys in _batches(named):
        found |= {named[row.pk]: row for row in Payment.objects.filter(pk__in=keys)}
    return found


def _refunds_behind(refunds: Iterable[dict[str, Any]]) -> dict[str, Refund]:
    """Our refunds by the gateway's id and by our own."""
    found: dict[str, Refund] = {}
    for some in _batches(refunds):
        own = [pk for theirs in some if (pk := _uuid(_note(theirs, "refund_id")))]
        known = Q(gateway_id__in=[theirs["id"] for theirs in some]) | Q(pk__in=own)
        for row in Refund.objects.filter(known).select_related("payment"):
            found[str(row.pk)] = row
            if row.gateway_id:
                found[row.gateway_id] = row
    return found


def _note(row: dict[str, Any], name: str) -> str:
    return str((row.get("metadata") or {}).get(name) or "")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    every = list(rows)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]
