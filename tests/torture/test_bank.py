"""The bank test on payments and refunds: many hands, many crashes, and at every snapshot the sums agree."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from core.context import acting
from core.errors import DomainError
from organizations.actors import load_actor
from payments import gateway
from payments.enums import RefundMethod
from payments.models import Payment
from payments.refund_plans import RefundPlan
from payments.services import projection, refunds, sending
from payments.services.giving_back import give_back
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.torture.money import Books, books, die, in_a_child, paid_by_card, past_due, work_until_quiet
from tests.trials import Trial
from tests.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["books", "fake"]
SEND = "payments.send_refund"
# In one statement, so that it is one snapshot.
SNAPSHOT = """
    SELECT p.id, p.amount_cents, p.refunded_cents,
           coalesce(sum(r.amount_cents) FILTER (WHERE r.status = 'succeeded'), 0),
           coalesce(sum(r.amount_cents) FILTER (WHERE r.status <> 'failed'), 0)
      FROM payments_payment p LEFT JOIN payments_refund r ON r.payment_id = p.id
     WHERE p.payment_intent_id LIKE 'pi_%' AND p.succeeded_at IS NOT NULL GROUP BY p.id
"""
CRASHES = (
    (refunds, "enqueue"), (sending, "_done_before"), (gateway, "refund"), (projection, "ask"),
    (projection, "send_refund_notice"), (sending, "sync_payment"),
)  # fmt: skip


class Reader:
    """Takes whole snapshots as fast as it can and keeps what does not add up."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.snapshots, self.wrong = dsn, 0, []
        self.totals: set[int] = set()
        self._stop = threading.Event()

    def look(self, rows: list[tuple[Any, ...]]) -> None:
        self.snapshots += 1
        self.totals.add(sum(row[1] for row in rows))
        for key, amount, refunded, succeeded, promised in rows:
            if not 0 <= refunded == succeeded <= promised <= amount:
                self.wrong.append(f"{key}: {refunded} here, {succeeded} in rows, {promised} promised of {amount}")

    def read_on(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as judge:
            while not self._stop.is_set():
                self.look(judge.execute(SNAPSHOT).fetchall())
                time.sleep(0.01)

    @contextmanager
    def reading(self) -> Iterator[None]:
        thread = threading.Thread(target=self.read_on)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def a_plan(trial: Trial, payments: list[Payment]) -> RefundPlan:
    cents = trial.random.choice((1, 7, 250, 1000, 5000))
    method = trial.random.choice((RefundMethod.CARD, RefundMethod.CARD, RefundMethod.MANUAL))
    chosen = trial.random.sample(payments, trial.random.choice((1, 1, 2)))
    return RefundPlan(lines=tuple((row.pk, cents) for row in chosen), reason="Bank", method=method, reference="Check 1")


def spend(world: World, plan: RefundPlan) -> bool:
    """Whether the refunds were acknowledged."""
    with as_system():
        actor = load_actor(world.provider_admin_a)
    try:
        with acting(actor):
            give_back(plan)
    except DomainError:
        return False
    return True


def hand(world: World, fake: FakeStripe, plans: list[RefundPlan], acknowledged: list[RefundPlan]) -> None:
    """One of many who work at the same time."""
    try:
        for plan in plans:
            if spend(world, plan):
                acknowledged.append(plan)
            run_due(SEND, most=1)
    finally:
        connection.close()


def crash_somewhere(trial: Trial, world: World, plan: RefundPlan) -> None:
    """A process that decides and sends, and dies at one of six points, or not at all."""
    owner, name = trial.random.choice(CRASHES)

    def act() -> None:
        setattr(owner, name, lambda *_args, **_keywords: die())
        spend(world, plan)
        past_due(SEND)
        run_due(SEND)

    in_a_child(act)


@pytest.mark.torture("M-01")
def test_sums_agree_at_every_snapshot_through_every_crash(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    payments = [paid_by_card(world, fake) for _ in range(trial.scale(fast=3, long=20))]
    rounds, hands, each = trial.scale(fast=2, long=20), trial.scale(fast=3, long=8), trial.scale(fast=4, long=40)
    reader, acknowledged = Reader(books.dsn), []
    with reader.reading():
        for _ in range(rounds):
            connection.close()
            crash_somewhere(trial, world, a_plan(trial, payments))
            jobs = [[a_plan(trial, payments) for _ in range(each)] for _ in range(hands)]
            threads = [threading.Thread(target=hand, args=(world, fake, plans, acknowledged)) for plans in jobs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            past_due(SEND)
        work_until_quiet(SEND)
    lost = [str(plan.key) for plan in acknowledged if not is_there(books, plan)]
    violations = [*reader.wrong, *(["the total moved"] if len(reader.totals) > 1 else []), *lost, *faults(books)]
    trial.report(
        n=rounds * hands * each, violations=len(violations), what=violations[:5], snapshots=reader.snapshots,
        crashes=rounds, acknowledged=len(acknowledged),
    )  # fmt: skip


def is_there(books: Books, plan: RefundPlan) -> bool:
    """Whether every refund of an acknowledged plan is on record and went out."""
    keys = [str(plan.refund_id(payment)) for payment, _cents in plan.lines]
    found = books.rows("SELECT id FROM payments_refund WHERE id = ANY(%s::uuid[]) AND status = 'succeeded'", keys)
    return len(found) == len(keys)


def faults(books: Books) -> list[str]:
    """Where our card refunds and the gateway's book differ; refunds by hand are ours alone."""
    ours = books.rows(
        "SELECT p.payment_intent_id, coalesce(sum(r.amount_cents) FILTER (WHERE r.method = 'card'"
        " AND r.status = 'succeeded'), 0) FROM payments_payment p LEFT JOIN payments_refund r ON r.payment_id = p.id"
        " WHERE p.payment_intent_id LIKE 'pi_%' AND p.succeeded_at IS NOT NULL GROUP BY p.id"
    )
    theirs = books.fake.book()["payment_intents"]
    return [
        f"{intent}: {cents} here" for intent, cents in ours if intent in theirs and theirs[intent]["refunded"] != cents
    ]


@pytest.mark.control("M-01")
def test_control_without_lock_and_trigger_more_goes_back_than_came(
    world: World, fake: FakeStripe, books: Books, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid_by_card(world, fake)
    books.run("ALTER TABLE payments_refund DISABLE TRIGGER USER")
    monkeypatch.setattr(refunds, "refundable_cents", lambda _payment: 5000)
    reader = Reader(books.dsn)

    for _ in range(2):
        spend(world, RefundPlan(lines=((payment.pk, 3000),), reason="Bank"))
    reader.look(books.rows(SNAPSHOT))

    assert reader.wrong != []
