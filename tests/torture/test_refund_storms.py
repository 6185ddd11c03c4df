"""Refunds under fire: many clicks and workers at once, answers that get lost at every byte, keys used wrongly.

The judge is the fake gateway's own book beside our tables as the superuser reads them.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import IntegrityError, connection
from pytest_django.fixtures import Settings

from core.context import acting
from core.errors import DomainError
from jobs.enums import JobState
from organizations.actors import load_actor
from payments import gateway
from payments.enums import RefundStatus
from payments.models import Payment, Refund
from payments.refund_plans import RefundPlan
from payments.services import sending
from payments.services.giving_back import give_back
from payments.services.refunds import refund_payment
from tests.database import as_system
from tests.factories.names import World
from tests.fakes.faultproxy import Cut, FaultProxy, Reset
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.payments.people import acting_as, fresh
from tests.torture.money import Books, books, paid_by_card, past_due, work_until_quiet
from tests.trials import Trial
from tests.work import again, run_due

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["books", "fake"]
SEND = "payments.send_refund"


def click_at_once(world: World, plans: list[RefundPlan], *, threads: int = 10) -> Counter[str]:
    """Everybody confirms at the same time; what each was told."""
    with as_system():
        actor = load_actor(world.provider_admin_a)

    def click(plan: RefundPlan) -> str:
        try:
            with acting(actor):
                give_back(plan)
        except DomainError as refusal:
            return refusal.code
        except IntegrityError:
            return "IntegrityError"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(click, plans))


def run_at_once(workers: int = 4) -> None:
    """Several workers on the same queue."""

    def work(_number: int) -> None:
        try:
            run_due(SEND)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))


def a_storm(trial: Trial, payment: Payment, clicks: int) -> list[RefundPlan]:
    """Clicks of every size; a third of them sends an earlier form again."""
    plans: list[RefundPlan] = []
    for _ in range(clicks):
        if plans and trial.random.random() < 0.34:
            plans.append(trial.random.choice(plans))
            continue
        cents = trial.random.choice((5000, 2500, 700, 700, 100, 1))
        plans.append(RefundPlan(lines=((payment.pk, cents),), reason="Storm"))
    return plans


@pytest.mark.torture("M-06")
def test_a_storm_of_clicks_and_workers_gives_back_what_was_paid_at_most(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    payment = paid_by_card(world, fake)
    clicks = trial.scale(fast=40, long=200)
    fake.knobs.api_delay = 0.02

    told = click_at_once(world, a_storm(trial, payment, clicks))
    run_at_once()
    fake.knobs.api_delay = 0.0
    work_until_quiet(SEND)

    violations = books.orphans()
    trial.report(
        n=clicks, violations=len(violations), what=violations, told=dict(told), refunded=fresh(payment).refunded_cents
    )


@pytest.mark.control("M-06")
def test_control_a_new_key_for_each_click_and_no_net_gives_back_too_much(
    world: World, fake: FakeStripe, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid_by_card(world, fake)
    plan = RefundPlan(lines=((payment.pk, 100),), reason="Storm")
    monkeypatch.setattr(RefundPlan, "refund_id", lambda _plan, _payment: uuid.uuid4())

    click_at_once(world, [plan] * 5)
    run_due(SEND)

    assert books.fake.totals(payment.payment_intent_id)["refunded"] > plan.total_cents


def refund_of_a_cent(world: World, payment: Payment) -> Refund:
    with acting_as(world, "provider_admin_a"):
        return refund_payment(payment, 1, reason="A cent")


def cuts(trial: Trial, longest: int) -> list[int]:
    """Bytes after which the answer is cut: each of the first few, the rest spread over its length."""
    number = trial.scale(fast=4, long=200)
    spread = [round(at * longest / number) for at in range(number)]
    return sorted({*range(min(3, number)), *spread})[: number + 3]


@pytest.mark.torture("M-10")
def test_an_answer_lost_at_any_byte_gives_the_money_once(
    world: World, fake: FakeStripe, books: Books, trial: Trial, settings: Settings
) -> None:
    """Both the request and the library's own repetition lose their answers; half of them by a reset."""
    payment = paid_by_card(world, fake)
    tried = cuts(trial, 1500)
    with FaultProxy("127.0.0.1", urlsplit(fake.url).port or 0) as proxy:
        settings.STRIPE_API_BASE = proxy.url
        for after in tried:
            fault = trial.random.choice((Cut, Reset))(after=after)
            proxy.arm(fault, marker=b"POST /v1/refunds", times=2)
            refund_of_a_cent(world, payment)
            run_due(SEND)
            proxy.disarm()
            past_due(SEND)
            run_due(SEND)
        struck = proxy.struck
    totals = fake.totals(payment.payment_intent_id)
    violations = [*books.orphans(), *(["not one refund for each"] if len(totals["refunds"]) != len(tried) else [])]
    trial.report(n=len(tried), violations=len(violations), what=violations, struck=struck)


def key_for_each_attempt(intent: str, cents: int, *, refund_id: str, key: str) -> dict[str, Any]:
    """The mistake: the key is made when the request is."""
    return TRUE_REFUND(intent, cents, refund_id=refund_id, key=f"{key}-{uuid.uuid4()}")


TRUE_REFUND: Callable[..., dict[str, Any]] = gateway.refund


@pytest.mark.control("M-10")
def test_control_a_key_for_each_attempt_gives_the_money_twice(
    world: World, fake: FakeStripe, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid_by_card(world, fake)
    monkeypatch.setattr(gateway, "refund", key_for_each_attempt)
    monkeypatch.setattr(sending, "_done_before", lambda *_: False)
    for _ in range(2):
        fake.cut_next(0, method="POST", path="/v1/refunds")
    refund_of_a_cent(world, payment)
    run_due(SEND)
    past_due(SEND)
    run_due(SEND)

    assert fake.totals(payment.payment_intent_id)["refunded"] > 1
    assert books.orphans() != []


@pytest.mark.torture("M-12")
def test_a_key_used_wrongly_surfaces_and_gives_nothing_twice(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    """The same key with another amount, a key that the gateway has forgotten, a key that another tenant has."""
    violations = [*_other_amount(world, fake), *_forgotten(world, fake), *_taken(world)]
    trial.report(n=3, violations=len(violations), what=violations)


def _other_amount(world: World, fake: FakeStripe) -> list[str]:
    payment = paid_by_card(world, fake)
    refund = refund_of_a_cent(world, payment)
    gateway.refund(payment.payment_intent_id, 7, refund_id=str(uuid.uuid4()), key=refund.idempotency_key)
    [job] = run_due(SEND)
    told, kept = again(job), fake.totals(payment.payment_intent_id)["refunded"]
    good = told.state == JobState.PARKED and "other words" in told.last_error and kept == 7
    return [] if good and fresh(refund).status == RefundStatus.CREATED else [f"other amount: {told.state}, {kept}"]


def _forgotten(world: World, fake: FakeStripe) -> list[str]:
    payment = paid_by_card(world, fake)
    refund_of_a_cent(world, payment)
    for _ in range(2):
        fake.cut_next(0, method="POST", path="/v1/refunds")
    run_due(SEND)
    fake.advance(25 * 3600)
    past_due(SEND)
    run_due(SEND)
    kept = fake.totals(payment.payment_intent_id)["refunded"]
    return [] if kept == 1 else [f"forgotten key: {kept}"]


def _taken(world: World) -> list[str]:
    with as_system():
        taken = Refund.objects.values_list("idempotency_key", flat=True).first()
    try:
        with as_system():
            Refund.objects.create(payment=world.payment_b, amount_cents=1, idempotency_key=taken)
    except IntegrityError:
        return []
    return ["two tenants with one key"]


@pytest.mark.control("M-12")
def test_control_who_does_not_look_first_pays_twice_after_a_day(
    world: World, fake: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_done_before", lambda *_: False)

    assert _forgotten(world, fake) == ["forgotten key: 2"]


def test_the_storm_is_a_storm(world: World, trial: Trial) -> None:
    """So that M-06 does not pass because everybody clicks the same."""
    plans = a_storm(trial, world.payment_a, 60)

    assert len({plan.key for plan in plans}) > 20
    assert len(plans) > len({plan.key for plan in plans})
