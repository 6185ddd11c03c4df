"""The gateway tells everything late, twice, in any order, and some of it never; afterwards our books are as its own."""

from __future__ import annotations

from typing import Any

import pytest

from core import clock
from payments.enums import PaymentStatus
from payments.models import Payment
from payments.services import events
from payments.services.events import receive_event
from payments.services.projection import sync_payment
from payments.services.refunds import refund_payment
from tests.database import as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe, cards
from tests.payments.conftest import fake
from tests.payments.people import acting_as, fresh, invited, opened
from tests.payments.signed import signed
from tests.torture.money import Books, books, past_due
from tests.trials import Trial
from tests.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["books", "fake"]
DROPPED = 0.05
# The model: how each story ends, said without our code.
STORIES = {
    "paid": (PaymentStatus.SUCCEEDED, 0),
    "declined first": (PaymentStatus.SUCCEEDED, 0),
    "given back in part": (PaymentStatus.SUCCEEDED, 1000),
    "given back in full": (PaymentStatus.REFUNDED, 5000),
    "refund failed": (PaymentStatus.SUCCEEDED, 0),
    "disputed": (PaymentStatus.DISPUTED, 0),
    "won": (PaymentStatus.SUCCEEDED, 0),
    "lost": (PaymentStatus.LOST, 0),
}


def live(world: World, fake: FakeStripe, story: str) -> tuple[Payment, list[dict[str, Any]]]:
    """Everything that happens at the gateway to one payment, and the events about it, none of them told yet."""
    before = len(fake.events())
    payment = opened(world, invited(world))
    if story == "declined first":
        fake.pay(payment.checkout_session_id, card=cards.DECLINED)
    fake.pay(payment.checkout_session_id)
    if story != "paid":
        _go_on(world, fake, sync(payment), story)
    return payment, fake.events()[before:]


def sync(payment: Payment) -> Payment:
    with as_system():
        return sync_payment(payment)


def _go_on(world: World, fake: FakeStripe, payment: Payment, story: str) -> None:
    intent = payment.payment_intent_id
    cents = {"given back in part": 1000, "given back in full": 5000, "refund failed": 700}.get(story)
    if cents:
        with acting_as(world, "provider_admin_a"):
            refund_payment(payment, cents, reason="Shuffle")
        run_due("payments.send_refund")
        if story == "refund failed":
            [refund_id] = fake.totals(intent)["refunds"]
            fake.finish_refund(refund_id, "failed")
    if story in ("disputed", "won", "lost"):
        dispute = fake.dispute(intent)
        if story != "disputed":
            fake.end_dispute(dispute["id"], won=story == "won")


def shuffled(trial: Trial, told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In any order, some twice, a few never."""
    kept = [event for event in told if trial.random.random() >= DROPPED]
    doubled = kept + [event for event in kept if trial.random.random() < 0.3]
    trial.random.shuffle(doubled)
    return doubled


def tell(fake: FakeStripe, told: list[dict[str, Any]]) -> None:
    for event in told:
        receive_event(*signed(fake, event))
        run_due("payments.apply_event")


def differing(payment: Payment, story: str) -> list[str]:
    row = fresh(payment)
    return [] if (row.status, row.refunded_cents) == STORIES[story] else [f"{story}: {row.status} {row.refunded_cents}"]


@pytest.mark.torture("M-08")
def test_any_order_of_events_ends_where_the_gateway_stands(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    """One story after the other, each in an order of its own; what was dropped is fetched by the schedule."""
    lived: list[tuple[Payment, str]] = []
    dropped = told_in_all = 0
    for number in range(trial.scale(fast=len(STORIES), long=1000)):
        story = sorted(STORIES)[number % len(STORIES)]
        payment, told = live(world, fake, story)
        order = shuffled(trial, told)
        tell(fake, order)
        dropped += len(told) - len({event["id"] for event in order})
        told_in_all += len(order)
        lived.append((payment, story))
        if number % 50 == 49:
            fetch_what_was_missed()
    fetch_what_was_missed()
    violations = [line for payment, story in lived for line in differing(payment, story)]
    trial.report(n=len(lived), violations=len(violations), what=violations[:5], told=told_in_all, dropped=dropped)


def fetch_what_was_missed() -> None:
    with as_system():
        events.sync_open_payments()
        for payment in Payment.objects.open().exclude(checkout_session_id=""):
            sync_payment(payment)
    past_due("payments.apply_event")
    run_due("payments.apply_event")


def believe_the_event(event_id: str) -> str:
    """The mistake: the order in which events arrive is taken for the order in which things happened."""
    event = events.GatewayEvent.objects.get(event_id=event_id)
    thing = event.payload["data"]["object"]
    payment = Payment.objects.filter(payment_intent_id=thing.get("payment_intent") or "-").first()
    to = {
        "charge.dispute.created": PaymentStatus.DISPUTED, "charge.dispute.closed": PaymentStatus.LOST,
    }.get(event.type)  # fmt: skip
    if payment is not None and to is not None:
        Payment.objects.filter(pk=payment.pk).update(status=to)
    event.applied_at = clock.now()
    event.save(update_fields=["applied_at"])
    return "Believed."


@pytest.mark.control("M-08")
def test_control_who_trusts_the_order_of_arrival_ends_elsewhere(
    world: World, fake: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment, told = live(world, fake, "lost")
    monkeypatch.setattr(events, "apply_event", believe_the_event)

    tell(fake, told[::-1])

    assert differing(payment, "lost") != []
