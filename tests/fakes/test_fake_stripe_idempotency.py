"""Idempotency keys of the fake Stripe."""

from __future__ import annotations

import threading

import pytest
import stripe as sdk

from tests.fakes.conftest import paid_intent, sdk_client, session_params
from tests.fakes.stripe import FakeStripe


def test_the_same_key_replays_the_first_answer(fake: FakeStripe, client: sdk.StripeClient) -> None:
    first = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "enrollment-1"})
    again = client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "enrollment-1"})

    assert again.id == first.id
    assert first.last_response.headers.get("Idempotent-Replayed") is None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.headers["Request-Id"]
    assert again.last_response.body == first.last_response.body
    key = fake.book()["keys"]["enrollment-1"]
    assert (key["executed"], key["replayed"], key["sessions"]) == (1, 1, [first.id])


def test_the_same_key_with_other_parameters_or_endpoint_is_refused(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    client.v1.refunds.create({"payment_intent": intent, "amount": 100}, {"idempotency_key": "k"})

    with pytest.raises(sdk.IdempotencyError) as other_amount:
        client.v1.refunds.create({"payment_intent": intent, "amount": 200}, {"idempotency_key": "k"})
    with pytest.raises(sdk.IdempotencyError) as other_endpoint:
        client.v1.checkout.sessions.create(session_params(), {"idempotency_key": "k"})

    assert other_amount.value.http_status == other_endpoint.value.http_status == 400
    assert other_amount.value.error.type == "idempotency_error"
    assert fake.totals(intent)["refunded"] == 100
    assert fake.book()["keys"]["k"]["mismatched"] == 2


def test_a_refusal_is_remembered_but_a_malformed_request_is_not(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    for attempt in range(2):
        with pytest.raises(sdk.InvalidRequestError) as refused:
            client.v1.refunds.create({"payment_intent": intent, "amount": 9999}, {"idempotency_key": "too-much"})
        assert refused.value.headers.get("Idempotent-Replayed") == (None, "true")[attempt]
    with pytest.raises(sdk.InvalidRequestError) as malformed:
        client.v1.refunds.create({"payment_intent": intent, "amout": 1}, {"idempotency_key": "typo"})

    corrected = client.v1.refunds.create({"payment_intent": intent, "amount": 1}, {"idempotency_key": "typo"})

    assert (malformed.value.code, malformed.value.param) == ("parameter_unknown", "amout")
    assert corrected.amount == 1


def test_a_key_is_forgotten_after_24_hours(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    request = {"payment_intent": intent, "amount": 100}
    client.v1.refunds.create(request, {"idempotency_key": "k"})
    fake.clock.advance(24 * 3600 - 60)
    client.v1.refunds.create(request, {"idempotency_key": "k"})
    assert fake.totals(intent)["refunded"] == 100

    fake.clock.advance(61)
    client.v1.refunds.create(request, {"idempotency_key": "k"})

    assert fake.totals(intent)["refunded"] == 200


def test_a_concurrent_request_with_the_same_key_conflicts(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    outcomes: list[int] = []
    refused = threading.Semaphore(0)

    def refund() -> None:
        try:
            sdk_client(fake).v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "click"})
            outcomes.append(200)
        except sdk.StripeError as error:
            outcomes.append(error.http_status or 0)
            refused.release()

    clicks = [threading.Thread(target=refund) for _ in range(5)]
    with fake.state.lock:  # keeps the first request from being executed until the others have been refused
        for click in clicks:
            click.start()
        for _ in range(4):
            assert refused.acquire(timeout=30)
    for click in clicks:
        click.join()

    assert sorted(outcomes) == [200, 409, 409, 409, 409]
    assert len(fake.totals(intent)["refunds"]) == 1
    assert fake.book()["keys"]["click"]["conflicted"] == 4


def test_a_client_that_gives_up_on_a_slow_api_finds_its_refund_done(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    fake.knobs.api_delay = 0.5
    hasty = sdk.StripeClient(
        fake.api_key,
        base_addresses={"api": fake.url},
        http_client=sdk.RequestsClient(timeout=0.05),
        max_network_retries=0,
    )
    with pytest.raises(sdk.APIConnectionError):
        hasty.v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "k"})

    # While the first request still runs the answer is 409, which the SDK retries.
    refund = sdk_client(fake, retries=10).v1.refunds.create({"payment_intent": intent}, {"idempotency_key": "k"})

    assert list(fake.totals(intent)["refunds"]) == [refund.id]
