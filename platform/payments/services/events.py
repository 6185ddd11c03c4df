"""What the gateway tells us, and what we make of it.

An event is kept before anything is done, and it is only a hint: the worker asks the gateway how the payment stands
and projects that onto our row. So neither order, nor repetition, nor loss of events can leave a wrong state behind.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from audit.models import Level
from audit.services import note
from core import clock
from enrollments.models import Enrollment
from jobs.services import enqueue
from payments import gateway
from payments.models import GatewayEvent, Payment
from payments.services.projection import ask, sync_payment

APPLY = "payments.apply_event"
ASK = "payments.ask_gateway"
QUIET = dt.timedelta(minutes=15)
OVERLAP = dt.timedelta(hours=1)
LONGEST_GAP = dt.timedelta(days=3)
MOST_ASKED = 200


@transaction.atomic
def receive_event(raw: bytes, signature: str) -> str:
    """Verify a webhook's raw bytes, keep the event once, and ask for its application; returns the event's id.

    Works without any context. SignatureRefused when the bytes cannot be trusted; nothing is kept of them then.
    """
    event = gateway.verify(raw, signature)
    keep_event(event)
    return str(event["id"])


def keep_event(event: dict[str, Any]) -> None:
    """Insert an event unless its id is known, with the job that applies it. Two at once make one row and one job."""
    row = GatewayEvent(
        event_id=event["id"],
        type=event["type"],
        payload=event,
        happened_at=dt.datetime.fromtimestamp(event["created"], dt.UTC),
    )
    GatewayEvent.objects.bulk_create([row], ignore_conflicts=True)
    enqueue(APPLY, dedupe_key=f"gateway-event:{event['id']}", params={"event_id": event["id"]})


@transaction.atomic
def apply_event(event_id: str) -> str:
    """Bring the payment an event is about up to date; returns a sentence for the job. Repeating it changes nothing."""
    event = GatewayEvent.objects.locked().get(event_id=event_id)
    if event.applied_at:
        return "Already applied."
    payment = _payment_of(event.payload["data"]["object"])
    outcome = "About no payment of ours." if payment is None else f"The payment is {sync_payment(payment).status}."
    event.applied_at, event.outcome, event.payment = clock.now(), outcome, payment
    event.save(update_fields=["applied_at", "outcome", "payment", "updated_at"])
    return outcome


def payment_behind(page: dict[str, Any]) -> Payment | None:
    """The payment of ours that a paid card page of the gateway belongs to, written anew when the request that opened
    the page died before its commit; None when the page is none of ours. OutcomeUnknown, Refused."""
    return _payment_of(page)


def _payment_of(thing: dict[str, Any]) -> Payment | None:
    """The payment of ours that a session, intent, charge, refund or dispute belongs to."""
    kind = thing.get("object")
    intent_id = thing.get("id") if kind == "payment_intent" else thing.get("payment_intent")
    if kind == "checkout.session":
        known = Payment.objects.filter(checkout_session_id=thing["id"]).first()
    else:
        known = Payment.objects.filter(payment_intent_id=intent_id).first() if intent_id else None
    if known is not None:
        return known
    metadata = thing.get("metadata") or {}
    if "payment_id" not in metadata and intent_id:
        metadata = gateway.intent(intent_id).get("metadata") or {}
    if "payment_id" not in metadata:
        return None
    return Payment.objects.filter(pk=UUID(metadata["payment_id"])).first() or _restored(metadata, thing)


def _restored(metadata: dict[str, Any], thing: dict[str, Any]) -> Payment | None:
    """Write the payment anew whose page was paid although the request that opened it died before its commit."""
    enrollment = Enrollment.objects.filter(pk=UUID(metadata["enrollment_id"])).first()
    if thing["object"] != "checkout.session" or enrollment is None or not ask(thing["id"]).is_paid:
        return None
    note("payments", "A payment was restored from the gateway's event.", level=Level.WARNING,
         payment=metadata["payment_id"], enrollment=metadata["enrollment_id"])  # fmt: skip
    return Payment.objects.create(
        id=UUID(metadata["payment_id"]),
        provider_id=enrollment.provider_id,
        enrollment=enrollment,
        household_id=enrollment.household_id,
        amount_cents=thing["amount_total"],
        currency=thing["currency"].upper(),
        idempotency_key=f"restored-{metadata['payment_id']}",
        checkout_session_id=thing["id"],
    )


def sync_open_payments() -> tuple[int, int]:
    """Heal what never arrived: keep the gateway's events that we missed, and have it asked about every open payment
    that was quiet for a quarter of an hour. Returns how many of each."""
    if not gateway.is_configured():
        return 0, 0
    return keep_missed_events(), ask_about_open_payments()


def keep_missed_events() -> int:
    """Fetch the gateway's log since shortly before the newest event we know, and keep what is new."""
    newest = GatewayEvent.objects.order_by("-happened_at").values_list("happened_at", flat=True).first()
    since = max(newest - OVERLAP if newest else clock.now() - LONGEST_GAP, clock.now() - LONGEST_GAP)
    listed = list(gateway.events_since(since))
    known = set(
        GatewayEvent.objects.filter(event_id__in=[event["id"] for event in listed]).values_list("event_id", flat=True)
    )
    missed = [event for event in reversed(listed) if event["id"] not in known]
    for event in missed:
        keep_event(event)
    return len(missed)


def ask_about_open_payments() -> int:
    """One job per payment, so that one without an answer holds up no other; those not asked for longest first."""
    before = clock.now() - QUIET
    quiet = (
        Payment.objects.open()
        .exclude(checkout_session_id="")
        .filter(Q(asked_at=None, created_at__lt=before) | Q(asked_at__lt=before))
        .order_by("asked_at", "created_at")[:MOST_ASKED]
    )
    slot = clock.now().strftime("%Y%m%dT%H%M")
    for payment in quiet:
        enqueue(ASK, payment, dedupe_key=f"ask-gateway:{payment.pk}:{slot}", organization=payment.provider_id)
    return len(quiet)
