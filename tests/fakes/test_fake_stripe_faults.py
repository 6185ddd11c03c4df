"""Lost answers and injected errors, and running the fake as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import stripe as sdk

from tests.fakes.conftest import SECRET, Receiver, paid_intent, sdk_client, session_params
from tests.fakes.stripe import FakeStripe

ROOT = Path(__file__).resolve().parents[2]


def test_the_sdk_retries_a_lost_answer_into_one_refund(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    fake.cut_next(0, path="/v1/refunds")

    refund = sdk_client(fake, retries=2).v1.refunds.create({"payment_intent": intent})

    assert list(fake.totals(intent)["refunds"]) == [refund.id]
    log = [row for row in fake.book()["requests"] if row["path"] == "/v1/refunds"]
    assert [(row["fault"], row["replayed"]) for row in log] == [("cut", False), (None, True)]


def test_a_lost_checkout_answer_leads_to_one_session_and_one_charge(fake: FakeStripe) -> None:
    fake.cut_next(100, path="/v1/checkout/sessions")
    client = sdk_client(fake)
    with pytest.raises(sdk.APIError):
        client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "enrollment-1"})

    session = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "enrollment-1"})
    fake.pay(session.id)

    assert fake.charges_for_key("enrollment-1") == 1
    assert fake.book()["keys"]["enrollment-1"]["sessions"] == [session.id]


def test_an_answer_cut_anywhere_leaves_one_refund_after_a_retry_with_the_same_key(
    fake: FakeStripe, client: sdk.StripeClient
) -> None:
    intent = paid_intent(fake, client)
    client.v1.refunds.create({"payment_intent": intent, "amount": 1}, {"idempotency_key": "measure"})
    length = fake.book()["requests"][-1]["answer_bytes"]
    cuts = [*range(0, length, 23), length - 1]

    for cut in cuts:
        request, options = {"payment_intent": intent, "amount": 1}, {"idempotency_key": f"cut-{cut}"}
        fake.cut_next(cut, path="/v1/refunds")
        with pytest.raises((sdk.APIConnectionError, sdk.APIError)):
            client.v1.refunds.create(request, options)
        client.v1.refunds.create(request, options)

    assert fake.totals(intent)["refunded"] == 1 + len(cuts)


def test_the_sdk_itself_retries_only_an_answer_that_never_began(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    retrying = sdk_client(fake, retries=1)
    outcomes = []

    for after in (0, 100, 400):
        fake.cut_next(after, path="/v1/refunds")
        try:
            retrying.v1.refunds.create({"payment_intent": intent, "amount": 1})
            outcomes.append("retried")
        except sdk.StripeError as error:
            outcomes.append(type(error).__name__)

    assert outcomes == ["retried", "APIError", "APIConnectionError"]
    assert fake.totals(intent)["refunded"] == 3


def test_a_retry_with_a_new_key_refunds_twice(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    fake.cut_next(0, path="/v1/refunds")

    with pytest.raises(sdk.APIConnectionError):
        client.v1.refunds.create({"payment_intent": intent, "amount": 100}, {"idempotency_key": "first"})
    client.v1.refunds.create({"payment_intent": intent, "amount": 100}, {"idempotency_key": "second"})

    assert fake.totals(intent)["refunded"] == 200


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_error_without_effect_can_be_retried_with_the_same_key(
    fake: FakeStripe, client: sdk.StripeClient, status: int
) -> None:
    intent = paid_intent(fake, client)
    fake.fail_next(status, path="/v1/refunds", times=2)
    for _ in range(2):
        with pytest.raises((sdk.APIError, sdk.RateLimitError)) as failed:
            client.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "k"})
        assert failed.value.http_status == status

    client.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "k"})

    assert len(fake.totals(intent)["refunds"]) == 1


@pytest.mark.parametrize(("effect", "refunds"), [("stored", 0), ("processed", 1)])
def test_a_remembered_error_is_replayed_for_its_key(
    fake: FakeStripe, client: sdk.StripeClient, effect: str, refunds: int
) -> None:
    intent = paid_intent(fake, client)
    fake.fail_next(500, path="/v1/refunds", effect=effect)

    for _ in range(2):
        with pytest.raises(sdk.APIError):
            sdk_client(fake, retries=2).v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "k"})

    assert len(fake.totals(intent)["refunds"]) == refunds
    log = [row for row in fake.book()["requests"] if row["path"] == "/v1/refunds"]
    assert [row["replayed"] for row in log] == [False, True]


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    """The fake as its own process; yields its address."""
    command = [sys.executable, "-m", "tests.fakes.stripe", "--port", "0", "--webhook-secret", SECRET, *arguments]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield running.stdout.readline().split()[3]
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
        running.stdout.close()


def control(base: str, action: str, **body: object) -> httpx.Response:
    return httpx.post(f"{base}/_control/{action}", json=body, timeout=30)


def test_the_fake_runs_as_a_process_and_remembers_across_a_restart(receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "stripe.json"
    with process("--webhook-url", receiver.url, "--state", str(file), "--knob", "duplicate=1") as base:
        client = sdk.StripeClient("sk_test_simulated", base_addresses={"api": base}, max_network_retries=0)
        session = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "e1"})
        waiting = client.v1.checkout.sessions.create(session_params())
        control(base, "pause")
        charge = control(base, "pay", session=session.id).json()
        assert httpx.get(f"{base}/_control/book").json()["totals"]["charged"] == 5000
        assert control(base, "wait", timeout=0.1).json() == {"idle": False}
    assert receiver.got == []

    with process("--webhook-url", receiver.url, "--state", str(file)) as base:
        client = sdk.StripeClient("sk_test_simulated", base_addresses={"api": base}, max_network_retries=0)
        assert control(base, "wait").json() == {"idle": True}
        assert client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "e1"}).id == session.id
        assert client.v1.checkout.sessions.retrieve(waiting.id).url == f"{base}/c/pay/{waiting.id}"
        assert client.v1.charges.retrieve(charge["id"]).status == "succeeded"

    assert sorted(receiver.types()) == ["checkout.session.completed"] * 2 + ["payment_intent.succeeded"] * 2
    assert json.loads(file.read_text())["deliveries"][0]["state"] == "delivered"


def test_the_control_api_does_what_the_methods_do(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    session = client.v1.checkout.sessions.create(session_params())
    assert control(fake.url, "knobs", duplicate=2, enabled_events=["charge.dispute.created"]).json()["duplicate"] == 2
    assert fake.knobs.duplicate == 2
    intent = control(fake.url, "pay", session=session.id).json()["payment_intent"]
    dispute = control(fake.url, "dispute", payment=intent, amount=100).json()
    assert control(fake.url, "wait").json() == {"idle": True}
    assert receiver.types() == ["charge.dispute.created"] * 3
    assert control(fake.url, "dispute/end", dispute=dispute["id"], won=True).json()["status"] == "won"
    refund = client.v1.refunds.create({"payment_intent": intent, "amount": 100})
    assert control(fake.url, "refund/finish", refund=refund.id, status="failed").json()["status"] == "failed"
    event = fake.events("charge.dispute.created")[0]["id"]
    assert control(fake.url, "resend", event=event, copies=2).status_code == 200
    assert control(fake.url, "faults", kind="cut", after=5, path="/v1/*").json()[0]["after"] == 5
    assert control(fake.url, "faults/clear").json() == {}
    assert control(fake.url, "clock", advance=60).json()["now"] > 0
    assert control(fake.url, "wait").json() == {"idle": True}
    assert len(receiver.got) == 5
    assert control(fake.url, "reset").json() == {}
    assert fake.book()["totals"]["charged"] == 0


def test_the_control_api_refuses_what_it_does_not_know_and_what_a_web_page_could_send(fake: FakeStripe) -> None:
    assert control(fake.url, "nothing").status_code == 404
    assert control(fake.url, "knobs", surprise=1).status_code == 400
    assert control(fake.url, "pay").json() == {"error": "missing: 'session'"}
    assert control(fake.url, "pay", session="cs_test_unknown").status_code == 404
    assert httpx.post(f"{fake.url}/_control/reset", data={"a": "b"}).status_code == 400
    foreign = httpx.get(f"{fake.url}/_control/book", headers={"Host": "evil.example"})
    assert foreign.status_code == 403


def test_it_listens_on_loopback_only(fake: FakeStripe) -> None:
    assert fake.url.startswith("http://127.0.0.1:")
    assert fake._server is not None
    assert fake._server.server_address[0] == "127.0.0.1"
