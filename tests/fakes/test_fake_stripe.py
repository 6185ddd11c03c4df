"""The fake Stripe's API, driven by the real SDK over loopback."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest
import stripe as sdk

from tests.fakes.conftest import Receiver, paid_intent, sdk_client, session_params
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.cards import DISPUTED, SLOW_REFUND
from tests.fakes.stripe.state import API_VERSION


def test_the_fake_speaks_the_api_version_of_the_pinned_sdk() -> None:
    assert sdk.api_version == API_VERSION


def test_a_checkout_is_paid_reported_and_refunded_from_end_to_end(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    session = client.v1.checkout.sessions.create(session_params())
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency, session.livemode) == (5000, "usd", False)

    answer = httpx.post(session.url or "", data={"action": "pay", "card_number": "4242 4242 4242 4242"})

    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://127.0.0.1:9/paid?session={session.id}"
    assert fake.wait_idle()
    assert receiver.types() == ["payment_intent.succeeded", "checkout.session.completed"]
    completed = receiver.verified()[1].to_dict()
    assert completed["api_version"] == API_VERSION
    assert completed["data"]["object"]["client_reference_id"] == "enrollment-1"
    assert completed["data"]["object"]["metadata"] == {"enrollment_id": "1"}
    assert completed["data"]["object"]["customer_details"]["email"] == "ana@example.org"
    intent = client.v1.payment_intents.retrieve(
        completed["data"]["object"]["payment_intent"], {"expand": ["latest_charge.balance_transaction"]}
    )
    assert (intent.status, intent.amount_received, intent.metadata["enrollment_id"]) == ("succeeded", 5000, "1")
    assert intent.latest_charge.balance_transaction.net == 5000 - 175

    refund = client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 2000, "reason": "requested_by_customer", "metadata": {"why": "late"}}
    )

    assert (refund.status, refund.amount, refund.reason) == ("succeeded", 2000, "requested_by_customer")
    assert fake.wait_idle()
    assert receiver.types()[2:] == ["charge.refunded", "refund.created", "refund.updated"]
    totals = fake.totals(intent.id)
    assert (totals["charged"], totals["refunded"], totals["kept"]) == (5000, 2000, 3000)


def test_a_refund_larger_than_what_is_left_is_refused(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    client.v1.refunds.create({"payment_intent": intent, "amount": 3000})

    with pytest.raises(sdk.InvalidRequestError) as too_much:
        client.v1.refunds.create({"payment_intent": intent, "amount": 2001})
    client.v1.refunds.create({"payment_intent": intent})
    with pytest.raises(sdk.InvalidRequestError) as nothing_left:
        client.v1.refunds.create({"payment_intent": intent, "amount": 1})

    assert (too_much.value.http_status, too_much.value.param, too_much.value.code) == (400, "amount", None)
    assert too_much.value.user_message == "Refund amount ($20.01) is greater than unrefunded amount on charge ($20.00)"
    assert nothing_left.value.code == "charge_already_refunded"
    assert fake.totals(intent)["kept"] == 0


def test_a_slow_refund_is_pending_until_it_ends_and_gives_back_what_failed(
    fake: FakeStripe, client: sdk.StripeClient
) -> None:
    session = client.v1.checkout.sessions.create(session_params())
    intent = fake.pay(session.id, card=SLOW_REFUND)["payment_intent"]
    refund = client.v1.refunds.create({"payment_intent": intent})
    assert refund.status == "pending"
    with pytest.raises(sdk.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent})

    fake.finish_refund(refund.id, "failed")

    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert fake.totals(intent)["kept"] == 5000
    assert client.v1.charges.list({"payment_intent": intent}).data[0].amount_refunded == 0


def test_the_dispute_card_opens_a_dispute_that_holds_the_money(fake: FakeStripe, client: sdk.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(session_params())
    intent = fake.pay(session.id, card=DISPUTED)["payment_intent"]

    dispute = client.v1.disputes.list({"payment_intent": intent}).data[0]
    with pytest.raises(sdk.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent})

    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 5000)
    assert refused.value.code == "charge_disputed"
    assert fake.totals(intent)["kept"] == 0
    assert [event["type"] for event in fake.events()][-3:] == [
        "checkout.session.completed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]


def test_a_won_dispute_returns_the_money_and_a_closed_one_is_lost(fake: FakeStripe, client: sdk.StripeClient) -> None:
    won, lost = paid_intent(fake, client), paid_intent(fake, client)
    won_dispute, lost_dispute = fake.dispute(won), fake.dispute(lost, amount=1000)

    client.v1.disputes.update(won_dispute["id"], {"evidence": {"uncategorized_text": "winning_evidence"}})
    client.v1.disputes.close(lost_dispute["id"])

    assert client.v1.disputes.retrieve(won_dispute["id"]).status == "won"
    assert client.v1.disputes.retrieve(lost_dispute["id"]).status == "lost"
    assert (fake.totals(won)["kept"], fake.totals(lost)["kept"]) == (5000, 4000)
    closed = [event["data"]["object"]["status"] for event in fake.events("charge.dispute.closed")]
    assert closed == ["won", "lost"]
    with pytest.raises(sdk.InvalidRequestError) as again:
        client.v1.disputes.close(won_dispute["id"])
    assert again.value.code == "dispute_already_closed"
    with pytest.raises(sdk.InvalidRequestError) as gone:
        client.v1.refunds.create({"payment_intent": lost})
    assert gone.value.code == "charge_disputed"
    assert client.v1.refunds.create({"payment_intent": won}).amount == 5000


def test_an_expired_session_takes_no_money(fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver) -> None:
    by_call = client.v1.checkout.sessions.create(session_params())
    by_time = client.v1.checkout.sessions.create(session_params(expires_at=int(time.time()) + 1800))

    assert client.v1.checkout.sessions.expire(by_call.id).status == "expired"
    fake.advance(1801)

    assert client.v1.checkout.sessions.retrieve(by_time.id).status == "expired"
    assert httpx.get(by_time.url or "").status_code == 410
    assert httpx.post(by_time.url or "", data={"action": "pay_success"}).status_code == 410
    assert fake.book()["totals"]["charged"] == 0
    assert fake.wait_idle()
    assert receiver.types() == ["checkout.session.expired"] * 2
    with pytest.raises(sdk.InvalidRequestError) as again:
        client.v1.checkout.sessions.expire(by_call.id)
    assert 'status in ["open"]' in (again.value.user_message or "")


def test_a_bank_debit_completes_unpaid_and_settles_later(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    wanted = session_params(payment_method_types=["card", "us_bank_account"])
    good, bad = (client.v1.checkout.sessions.create(wanted) for _ in range(2))
    for session in (good, bad):
        assert httpx.post(session.url or "", data={"action": "pay_by_bank"}).status_code == 303
    assert client.v1.checkout.sessions.retrieve(good.id).payment_status == "unpaid"

    fake.settle(good.id)
    fake.settle(bad.id, succeeded=False)

    assert client.v1.checkout.sessions.retrieve(good.id).payment_status == "paid"
    assert client.v1.checkout.sessions.retrieve(bad.id).payment_status == "unpaid"
    assert fake.book()["totals"]["charged"] == 5000
    assert fake.wait_idle()
    assert receiver.types() == [
        "checkout.session.completed",
        "checkout.session.completed",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


def test_a_refund_storm_never_refunds_more_than_was_paid(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)

    def refund() -> None:
        own = sdk_client(fake)
        for _ in range(10):
            try:
                own.v1.refunds.create({"payment_intent": intent, "amount": 700})
            except sdk.InvalidRequestError:
                continue

    clicks = [threading.Thread(target=refund) for _ in range(8)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()

    assert fake.totals(intent)["refunded"] == 4900


def test_a_wrong_or_missing_api_key_is_refused(fake: FakeStripe) -> None:
    with pytest.raises(sdk.AuthenticationError) as wrong:
        sdk_client(fake, api_key="sk_test_other").v1.charges.list()
    missing = httpx.get(f"{fake.url}/v1/charges")

    assert wrong.value.http_status == 401
    assert missing.status_code == 401
    assert missing.headers["request-id"].startswith("req_")
    assert httpx.get(f"{fake.url}/v1/charges", auth=(fake.api_key, "")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"success_url": "not a url"}, "url_invalid", "success_url"),
        ({"customer_email": "nobody"}, "email_invalid", "customer_email"),
        ({"locale": "xx"}, None, "locale"),
        ({"mode": "subscription"}, None, "mode"),
        ({"line_items": []}, "parameter_missing", "line_items"),
        ({"line_items": [{"quantity": 1}]}, "parameter_missing", "line_items[0][price_data]"),
        ({"expires_at": 1}, None, "expires_at"),
        ({"surprise": "1"}, "parameter_unknown", "surprise"),
        ({"payment_intent_data": {"surprise": "1"}}, "parameter_unknown", "payment_intent_data[surprise]"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"expand": ["nothing"]}, None, "expand"),
    ],
)
def test_a_malformed_checkout_is_refused_with_the_parameters_name(
    client: sdk.StripeClient, changes: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(sdk.InvalidRequestError) as refused:
        client.v1.checkout.sessions.create(session_params(**changes))

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, code, param)


def test_an_unknown_object_or_address_is_not_found(client: sdk.StripeClient, fake: FakeStripe) -> None:
    with pytest.raises(sdk.InvalidRequestError) as unknown:
        client.v1.payment_intents.retrieve("pi_unknown")

    assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")
    assert httpx.get(f"{fake.url}/v1/customers", auth=(fake.api_key, "")).status_code == 404


def test_lists_page_and_filter_as_the_sdk_expects(fake: FakeStripe, client: sdk.StripeClient) -> None:
    sessions = [client.v1.checkout.sessions.create(session_params()).id for _ in range(5)]
    fake.pay(sessions[2])

    walked = [row.id for row in client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()]
    first = client.v1.checkout.sessions.list({"limit": 2})
    still_open = client.v1.checkout.sessions.list({"status": "open"})
    events = client.v1.events.list({"types": ["payment_intent.succeeded", "checkout.session.completed"]})

    assert walked == sessions[::-1]
    assert (len(first.data), first.has_more) == (2, True)
    assert [row.id for row in still_open.data] == [sessions[index] for index in (4, 3, 1, 0)]
    assert [row.type for row in events.data] == ["checkout.session.completed", "payment_intent.succeeded"]
    assert client.v1.events.retrieve(events.data[0].id).data.object["id"] == sessions[2]
    assert client.v1.events.list({"created": {"gt": int(time.time()) + 60}}).data == []
    assert client.v1.balance_transactions.list({"type": "charge"}).data[0].amount == 5000


def test_expansion_works_in_objects_and_in_lists(fake: FakeStripe, client: sdk.StripeClient) -> None:
    intent = paid_intent(fake, client)
    client.v1.refunds.create({"payment_intent": intent, "amount": 100})

    session = client.v1.checkout.sessions.list({"expand": ["data.payment_intent.latest_charge.refunds"]}).data[0]
    lines = client.v1.checkout.sessions.line_items.list(session.id)

    assert session.payment_intent.latest_charge.refunds.data[0].amount == 100
    assert (lines.data[0].description, lines.data[0].amount_total) == ("Credit counseling course", 5000)
