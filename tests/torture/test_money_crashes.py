"""kill -9 between the intent, the gateway's answer, our commit and the webhook: afterwards neither side has an orphan.

Real processes: each act runs in a forked child with connections of its own, which kills itself at a named point. Then
time passes, workers come back, and the judge compares the gateway's book with our tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from core.context import acting
from jobs.querysets import JobQuerySet
from organizations.actors import load_actor
from payments import gateway
from payments.models import Payment
from payments.services import events, projection, refunds, sending
from payments.services.checkout import start_checkout
from payments.services.events import receive_event, sync_open_payments
from payments.services.refunds import refund_payment
from tasks import runner
from tests.database import as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.payments.people import URLS, invited
from tests.payments.signed import signed
from tests.torture.money import DIED, Books, books, die, in_a_child, paid_by_card, work_until_quiet
from tests.trials import Trial
from tests.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["books", "fake"]
Act = Callable[[], object]


def before(owner: Any, name: str) -> None:
    """Die when `name` is called."""
    setattr(owner, name, lambda *_args, **_keywords: die())


def after(owner: Any, name: str) -> None:
    """Die when `name` has returned."""
    true = getattr(owner, name)

    def call(*args: Any, **keywords: Any) -> None:
        true(*args, **keywords)
        die()

    setattr(owner, name, call)


# name → (which act dies, where)
POINTS: dict[str, tuple[str, Act]] = {
    "intent written, not committed": ("decide", lambda: after(refunds, "enqueue")),
    "intent committed": ("decide and stop", lambda: None),
    "job claimed": ("send", lambda: before(runner, "_work")),
    "before the look-up": ("send", lambda: before(sending, "_done_before")),
    "before the request": ("send", lambda: before(gateway, "refund")),
    "answer in hand": ("send", lambda: after(gateway, "refund")),
    "answer saved, not committed": ("send", lambda: before(sending, "sync_payment")),
    "gateway asked again": ("send", lambda: after(projection, "ask")),
    "refund moved, payment not": ("send", lambda: before(projection, "send_refund_notice")),
    "job done, not committed": ("send", lambda: after(JobQuerySet, "finish")),
    "webhook kept, not committed": ("hear", lambda: after(events, "keep_event")),
    "webhook committed, not answered": ("hear and stop", lambda: None),
    "card page opened, not committed": ("open", lambda: after(gateway, "open_checkout")),
    "payment projected, not committed": ("pay", lambda: before(projection, "settle")),
}


class Story:
    """One payment and the act that dies on it."""

    def __init__(self, world: World, fake: FakeStripe) -> None:
        self.world, self.fake = world, fake
        self.told_before = len(fake.events())
        with as_system():
            self.staff, self.client = load_actor(world.provider_admin_a), load_actor(world.client_user_a)

    def act(self, name: str) -> tuple[Act, Act]:
        """What comes before the child, already done, and what the child does; then what happens anyway."""
        nothing: Act = lambda: None  # noqa: E731 -- nothing at all
        if name == "open":
            enrollment = invited(self.world)
            return (lambda: self.open(enrollment)), self.pay_orphan_page
        if name == "pay":
            enrollment = invited(self.world)
            self.open(enrollment)
            self.pay_orphan_page()
            self.hear_all()
            return (lambda: run_due("payments.apply_event")), nothing
        payment = paid_by_card(self.world, self.fake)
        if name.startswith("decide"):
            return (lambda: self.decide(payment, stop=name.endswith("stop"))), nothing
        if name.startswith("hear"):
            self.decide(payment)
            run_due("payments.send_refund")
            return (lambda: self.hear_all(stop=name.endswith("stop"))), nothing
        self.decide(payment)
        return (lambda: run_due("payments.send_refund")), nothing

    def open(self, enrollment: Any) -> None:
        with acting(self.client):
            start_checkout(enrollment, **URLS)

    def pay_orphan_page(self) -> None:
        """The client pays on the newest page, whether or not our side remembers it."""
        pages = [row for row in self.fake.state.every("checkout.session") if row["status"] == "open"]
        self.fake.pay(pages[-1]["id"])

    def decide(self, payment: Payment, *, stop: bool = False) -> None:
        with acting(self.staff):
            refund_payment(payment, 1000, reason="Crash")
        if stop:
            die()

    def hear_all(self, *, stop: bool = False) -> None:
        for event in self.fake.events()[self.told_before :]:
            receive_event(*signed(self.fake, event))
        if stop:
            die()


def crash(story: Story, point: str) -> int:
    """Let the act of `point` die there; returns how the child ended."""
    name, prepare = POINTS[point]
    act, then = story.act(name)
    connection.close()

    def child() -> None:
        prepare()
        act()

    ended = in_a_child(child)
    then()
    return ended


def heal(story: Story) -> int:
    """Hours later: leases are over, the schedule fetched missed events, jobs ran again."""
    with as_system():
        sync_open_payments()
    story.hear_all()
    return work_until_quiet()


@pytest.mark.torture("M-11")
def test_no_crash_between_intent_and_webhook_leaves_an_orphan(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    kills, survivors, rounds = 0, [], []
    for _ in range(trial.scale(fast=1, long=18)):
        for point in trial.random.sample(sorted(POINTS), trial.scale(fast=4, long=len(POINTS))):
            story = Story(world, fake)
            ended = crash(story, point)
            kills += 1
            survivors += [] if ended == DIED else [f"{point}: {ended}"]
            rounds.append(heal(story))
    violations = [*books.orphans(), *survivors]
    trial.report(n=kills, violations=len(violations), what=violations, points=len(POINTS), most_rounds=max(rounds))


def refund_without_intent(payment: Payment, amount_cents: int, *, reason: str) -> None:
    """The mistake: ask the gateway first, write the row afterwards."""
    gateway.refund(payment.payment_intent_id, amount_cents, refund_id="", key=f"{payment.pk}-{reason}")
    die()


@pytest.mark.control("M-11")
def test_control_without_an_intent_row_money_goes_back_that_nobody_decided(
    world: World, fake: FakeStripe, books: Books
) -> None:
    payment = paid_by_card(world, fake)
    connection.close()

    assert in_a_child(lambda: refund_without_intent(payment, 1000, reason="Crash")) == DIED

    assert books.orphans() != []
