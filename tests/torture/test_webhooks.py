"""Events of the card gateway under fire: told a hundred times at once, forged, stale; and a storm of refunds.

Real sockets, the web role, committed transactions. The judge reads the database as its superuser and the fake
gateway's own book. Each test has its control: the product with one mistake in it, on which the judge must see red.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import IntegrityError, connection
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from core.context import acting
from core.errors import DomainError
from jobs.services import enqueue
from organizations.actors import load_actor
from payments import gateway
from payments.models import GatewayEvent, Payment, Refund
from payments.services import events, refunds
from payments.services.refunds import refund_payment
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.payments.people import fresh, invited, opened, tell
from tests.payments.signed import signed
from tests.trials import Trial
from tests.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["fake"]
HOOK = "/api/payments/stripe/webhook"
LARGE = 5_000_000


class Judge:
    """Counts rows past every policy."""

    def __init__(self, databases: Databases) -> None:
        self.dsn = databases.cluster.superuser_dsn(databases.name)

    def count(self, table: str, where: str = "true", *params: Any) -> int:
        with psycopg.connect(self.dsn) as judge:
            return int(judge.execute(f"SELECT count(*) FROM {table} WHERE {where}", params).fetchone()[0])


@pytest.fixture
def judge(databases: Databases) -> Judge:
    return Judge(databases)


def post(server: LiveServer, body: bytes, signature: str | None) -> int:
    """One request over a socket of its own; the status."""
    headers = {"Content-Type": "application/json"} | ({"Stripe-Signature": signature} if signature is not None else {})
    wire = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
    try:
        wire.request("POST", HOOK, body, headers)
        answer = wire.getresponse()
        answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return 413
    finally:
        wire.close()
    return answer.status


def an_event(name: str = "evt_storm", **changes: Any) -> dict[str, Any]:
    thing = {"id": "cs_x", "object": "checkout.session", "metadata": {}}
    return {
        "id": name, "object": "event", "type": "checkout.session.completed", "created": int(time.time()),
        "livemode": False, "data": {"object": thing}, **changes,
    }  # fmt: skip


def tell_a_hundred_times(server: LiveServer, fake: FakeStripe, event: dict[str, Any]) -> Counter[int]:
    body, signature = signed(fake, event)
    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(lambda _: post(server, body, signature), range(100)))


@pytest.mark.torture("M-07")
def test_one_event_told_a_hundred_times_at_once_has_one_effect(
    live_server: LiveServer, world: World, fake: FakeStripe, judge: Judge, trial: Trial
) -> None:
    """M-07."""
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    [event] = fake.events("checkout.session.completed")

    answers = tell_a_hundred_times(live_server, fake, event)
    run_due("payments.apply_event")

    assert answers == {200: 100}
    assert judge.count("payments_gatewayevent", "event_id = %s", event["id"]) == 1
    assert judge.count("jobs_job", "dedupe_key = %s", f"gateway-event:{event['id']}") == 1
    assert judge.count("notifications_message", "event = 'payment.receipt'") == 1
    assert judge.count("payments_payment", "id = %s AND status = 'succeeded'", payment.pk) == 1
    trial.report(n=answers.total(), violations=answers.total() - answers[200])


def look_then_insert(event: dict[str, Any]) -> None:
    """The mistake: look first, insert afterwards."""
    if not GatewayEvent.objects.filter(event_id=event["id"]).exists():
        GatewayEvent.objects.create(
            event_id=event["id"], type=event["type"], payload=event, happened_at="2026-01-01T00:00:00Z"
        )
    enqueue(events.APPLY, dedupe_key=f"gateway-event:{event['id']}", params={"event_id": event["id"]})


@pytest.mark.control("M-07")
def test_control_looking_before_inserting_fails_the_hundred(
    live_server: LiveServer, fake: FakeStripe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "keep_event", look_then_insert)

    assert tell_a_hundred_times(live_server, fake, an_event())[200] < 100


def forgeries(fake: FakeStripe) -> dict[str, tuple[bytes, str | None, int]]:
    """Name → body, signature, the status it deserves."""
    body, good = signed(fake, an_event("evt_bad"))
    pretty = json.dumps(json.loads(body), indent=2).encode()
    stamp, mark = good.split(",")
    return {
        "no signature": (body, None, 400),
        "an empty signature": (body, "", 400),
        "a nonsense signature": (body, "t=1,v1=\u00e9", 400),
        "another body's signature": (body, signed(fake, an_event("evt_other"))[1], 400),
        "the mark without its time": (body, mark, 400),
        "the time without its mark": (body, stamp, 400),
        "301 seconds old": (*signed(fake, an_event("evt_bad"), age=301), 400),
        "330 seconds ahead": (*signed(fake, an_event("evt_bad"), age=-330), 400),
        "written anew": (pretty, good, 400),
        "one byte more": (body + b" ", good, 400),
        "another endpoint's secret": (*signed(fake, an_event("evt_bad"), secret="whsec_other"), 400),
        "a live event here": (*signed(fake, an_event("evt_bad", livemode=True)), 400),
        "another account's": (*signed(fake, an_event("evt_bad", account="acct_1")), 400),
        "no event at all": (*signed(fake, {"id": "evt_bad"}), 400),
        "not JSON": (b"{", fake.sign(b"{", int(time.time())), 400),
        "not text": (b"\xff\xfe", fake.sign(b"\xff\xfe", int(time.time())), 400),
        "five megabytes": (*signed(fake, an_event("evt_bad", padding="x" * LARGE)), 413),
    }


@pytest.mark.torture("M-09")
def test_nothing_forged_stale_or_huge_is_kept(
    live_server: LiveServer, fake: FakeStripe, judge: Judge, trial: Trial
) -> None:
    """M-09."""
    before = judge.count("payments_gatewayevent"), judge.count("jobs_job")

    answers = {name: post(live_server, body, mark) for name, (body, mark, _) in forgeries(fake).items()}

    assert answers == {name: status for name, (_, _, status) in forgeries(fake).items()}
    assert (judge.count("payments_gatewayevent"), judge.count("jobs_job")) == before
    assert judge.count("audit_systemevent", "summary = 'A webhook was refused.'") == 10
    trial.report(n=len(answers), violations=judge.count("payments_gatewayevent", "event_id = 'evt_bad'"))


def test_a_true_event_on_either_edge_of_its_time_is_kept(live_server: LiveServer, fake: FakeStripe) -> None:
    """So the table above does not pass because everything is refused."""
    for name, age in (("evt_now", 0), ("evt_old", 295), ("evt_ahead", -295)):
        assert post(live_server, *signed(fake, an_event(name), age=age)) == 200


def test_a_live_key_takes_live_events_only(live_server: LiveServer, fake: FakeStripe, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_simulated"

    assert post(live_server, *signed(fake, an_event("evt_test"))) == 400
    assert post(live_server, *signed(fake, an_event("evt_live", livemode=True))) == 200


def parse_before_verify(raw: bytes, signature: str) -> Any:
    """The mistake: what parses is taken, and the signature is asked for only where there is one."""
    event = json.loads(raw)
    return TRUE_VERIFY(raw, signature) if signature.count(",") == 1 else event


TRUE_VERIFY: Callable[[bytes, str], Any] = gateway.verify


@pytest.mark.control("M-09")
def test_control_parsing_before_verifying_keeps_a_forgery(
    live_server: LiveServer, fake: FakeStripe, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "verify", parse_before_verify)

    answers = {name: post(live_server, body, mark) for name, (body, mark, _) in forgeries(fake).items()}

    assert answers["no signature"] == 200
    assert judge.count("payments_gatewayevent", "event_id = 'evt_bad'") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_only_post_is_answered(live_server: LiveServer, method: str) -> None:
    wire = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=60)
    wire.request(method, HOOK)
    status = wire.getresponse().status
    wire.close()

    assert status == 405


def storm(world: World, payment: Payment, clicks: int, decide: Callable[..., Any]) -> Counter[str]:
    """Many people press refund at the same time, each for 700 of 5000 cents; what each was told."""
    with as_system():
        actor = load_actor(world.provider_admin_a)

    def click(_number: int) -> str:
        try:
            with acting(actor):
                decide(payment, 700, reason="Storm")
        except DomainError as refusal:
            return refusal.code
        except IntegrityError as error:
            return type(error).__name__
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(10) as pool:
        return Counter(pool.map(click, range(clicks)))


def paid(world: World, fake: FakeStripe) -> Payment:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    paid_now: Payment = fresh(payment)
    return paid_now


@pytest.mark.torture("M-06")
def test_a_storm_of_refunds_never_gives_back_more_than_was_paid(
    world: World, fake: FakeStripe, judge: Judge, trial: Trial
) -> None:
    """M-06 in small: 50 clicks, 7 of which fit."""
    payment = paid(world, fake)

    told = storm(world, payment, 50, refund_payment)
    run_due("payments.send_refund")

    assert told == {"done": 7, "refund_too_large": 43}
    assert judge.count("payments_refund", "payment_id = %s", payment.pk) == 7
    assert fake.totals(payment.payment_intent_id)["refunded"] == 4900
    assert all(len(made["refunds"]) <= 1 for made in fake.book()["keys"].values())
    trial.report(n=told.total(), violations=max(0, fake.totals(payment.payment_intent_id)["refunded"] - 5000))


def test_the_database_stops_a_storm_that_the_service_let_through(
    world: World, fake: FakeStripe, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A control twice over: without lock and sum in the service the second net alone must hold."""
    payment = paid(world, fake)
    monkeypatch.setattr(refunds, "refundable_cents", lambda _payment: 5000)
    monkeypatch.setattr(type(Payment.objects.all()), "locked", lambda rows: rows)

    told = storm(world, payment, 30, refund_payment)

    assert told["done"] == 7
    assert told["IntegrityError"] == 23
    assert judge.count("payments_refund", "payment_id = %s", payment.pk) == 7


@pytest.mark.control("M-06")
def test_control_without_both_nets_a_storm_gives_too_much(
    world: World, fake: FakeStripe, databases: Databases, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = paid(world, fake)
    monkeypatch.setattr(refunds, "refundable_cents", lambda _payment: 5000)
    with psycopg.connect(judge.dsn) as superuser:
        superuser.execute("ALTER TABLE payments_refund DISABLE TRIGGER USER")

    told = storm(world, payment, 20, refund_payment)

    assert told["done"] > 7
    with as_system():
        assert Refund.objects.filter(payment=payment).count() > 7
