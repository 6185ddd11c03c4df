"""The fake Stripe's webhook sender: faithful by default, mischievous on request."""

from __future__ import annotations

import json

import pytest
import stripe as sdk

from tests.fakes.conftest import SECRET, Receiver, paid_intent
from tests.fakes.stripe import FakeStripe, Knobs


def test_a_failed_delivery_is_retried_with_the_same_bytes_until_2xx(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [500, 301]
    fake.knobs.enabled_events = ["checkout.session.completed"]
    paid_intent(fake, client)

    assert fake.wait_idle()

    bodies = [body for body, _ in receiver.got]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1
    delivery = fake.deliveries(fake.events("checkout.session.completed")[0]["id"])[0]
    assert delivery["state"] == "delivered"
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 301, 200]


def test_retries_are_bounded_and_an_event_can_be_resent(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    receiver.statuses = [503] * 4
    fake.knobs.enabled_events = ["checkout.session.completed"]
    paid_intent(fake, client)
    assert fake.wait_idle()
    event = fake.events("checkout.session.completed")[0]["id"]
    assert [item["state"] for item in fake.deliveries(event)] == ["failed"]

    fake.resend(event)

    assert fake.wait_idle()
    assert [item["state"] for item in fake.deliveries(event)] == ["failed", "delivered"]


def test_an_endpoint_that_is_down_gets_its_events_later(client: sdk.StripeClient, fake: FakeStripe) -> None:
    url, fake.sender.url = fake.sender.url, "http://127.0.0.1:9/hook"
    fake.knobs.update({"max_attempts": 1000, "retry_cap": 0.05, "enabled_events": ["payment_intent.succeeded"]})
    paid_intent(fake, client)
    assert not fake.wait_idle(0.2)

    fake.sender.url = url

    assert fake.wait_idle()
    attempts = fake.deliveries(fake.events("payment_intent.succeeded")[0]["id"])[0]["attempts"]
    assert attempts[0]["status"] is None
    assert attempts[0]["error"].startswith("ConnectionRefusedError")
    assert attempts[-1]["status"] == 200


def test_duplicates_are_the_same_event_byte_for_byte(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    fake.knobs.update({"duplicate": 99, "senders": 10, "enabled_events": ["checkout.session.completed"]})
    paid_intent(fake, client)

    assert fake.wait_idle(30)

    assert len(receiver.got) == 100
    assert len({body for body, _ in receiver.got}) == 1


def test_held_events_arrive_shuffled_by_seed(fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver) -> None:
    fake.knobs.update({"shuffle": 12, "seed": 7})
    for _ in range(5):
        paid_intent(fake, client)
    assert not fake.wait_idle(0.1)
    assert receiver.got == []

    paid_intent(fake, client)

    assert fake.wait_idle()
    arrived = [event.id for event in receiver.verified()]
    emitted = [event["id"] for event in fake.events() if fake.knobs.sends(event["type"])]
    assert sorted(arrived) == sorted(emitted)
    assert arrived != emitted


def test_flush_releases_held_events(fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver) -> None:
    fake.knobs.shuffle = 100
    paid_intent(fake, client)

    fake.flush()

    assert fake.wait_idle()
    assert len(receiver.got) == 2


def test_dropped_events_never_arrive_but_stay_in_the_log(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    fake.knobs.drop = 1.0
    intent = paid_intent(fake, client)

    assert fake.wait_idle()

    assert receiver.got == []
    assert client.v1.events.list({"type": "payment_intent.succeeded"}).data[0].data.object["id"] == intent


def test_a_wrong_secret_and_a_stale_timestamp_do_not_verify(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    fake.knobs.update({"wrong_secret": True, "enabled_events": ["checkout.session.completed"]})
    paid_intent(fake, client)
    assert fake.wait_idle()
    fake.knobs.update({"wrong_secret": False, "timestamp_offset": -301})
    paid_intent(fake, client)
    assert fake.wait_idle()

    for body, header in receiver.got:
        with pytest.raises(sdk.SignatureVerificationError):
            sdk.Webhook.construct_event(body, header, SECRET)
    stale_body, stale_header = receiver.got[1]
    assert sdk.Webhook.construct_event(stale_body, stale_header, SECRET, tolerance=400).livemode is False


def test_a_forged_copy_is_signed_properly_and_marked_in_the_log(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    fake.knobs.enabled_events = ["checkout.session.completed"]
    paid_intent(fake, client)
    event = fake.events("checkout.session.completed")[0]["id"]

    fake.resend(event, changes={"livemode": True, "account": "acct_other"})

    assert fake.wait_idle()
    forged = json.loads(receiver.got[1][0])
    assert (receiver.verified()[1].id, forged["livemode"], forged["account"]) == (event, True, "acct_other")
    assert [item["forged"] for item in fake.deliveries(event)] == [False, True]


def test_a_pause_holds_everything_back(fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver) -> None:
    fake.pause()
    paid_intent(fake, client)
    assert not fake.wait_idle(0.2)
    assert receiver.got == []

    fake.resume()

    assert fake.wait_idle()
    assert len(receiver.got) == 2


def test_a_delay_postpones_the_first_attempt(fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver) -> None:
    fake.knobs.delay = 60
    paid_intent(fake, client)
    fake.knobs.delay = 0.01
    second = paid_intent(fake, client)

    assert not fake.wait_idle(0.3)

    assert receiver.types() == ["payment_intent.succeeded", "checkout.session.completed"]
    assert receiver.verified()[0].data.object["id"] == second


def test_words_beyond_ascii_survive_the_signature(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    paid_intent(fake, client, metadata={"name": "Núñez – año"})

    assert fake.wait_idle()

    assert receiver.verified()[1].to_dict()["data"]["object"]["metadata"] == {"name": "Núñez – año"}
    assert "Núñez – año".encode() in receiver.got[1][0]


@pytest.mark.parametrize(
    "values", [{"surprise": 1}, {"drop": 2.0}, {"duplicate": -1}, {"duplicate": "3"}, {"senders": 0}, {"paused": 1}]
)
def test_an_unknown_or_wrong_knob_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Knobs(**values)
