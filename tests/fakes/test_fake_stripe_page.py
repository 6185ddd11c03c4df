"""The hosted page of the fake Stripe."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
import stripe as sdk

from tests.fakes.conftest import Receiver, session_params
from tests.fakes.stripe import FakeStripe


def open_page(client: sdk.StripeClient, **changes: Any) -> tuple[str, str]:
    session = client.v1.checkout.sessions.create(session_params(**changes))
    return session.id, session.url or ""


def test_the_page_shows_the_amount_and_says_that_it_is_simulated(client: sdk.StripeClient) -> None:
    _, url = open_page(client, locale="en")

    page = httpx.get(url)

    assert page.status_code == 200
    assert "Simulated payment page - no real money" in page.text
    assert "$50.00" in page.text
    assert 'name="card_number" value="4242 4242 4242 4242"' in page.text
    assert 'value="ana@example.org"' in page.text


@pytest.mark.parametrize(
    ("locale", "accept", "language"),
    [
        ("es", "en", "es"),
        ("es-419", "en", "es"),
        ("en", "es", "en"),
        ("auto", "es-MX,es;q=0.9", "es"),
        ("auto", "fr", "en"),
    ],
)
def test_the_page_speaks_the_sessions_language(
    client: sdk.StripeClient, locale: str, accept: str, language: str
) -> None:
    _, url = open_page(client, locale=locale)

    page = httpx.get(url, headers={"Accept-Language": accept})

    assert f'<html lang="{language}">' in page.text
    assert ("Página de pago simulada - sin dinero real" in page.text) == (language == "es")


def test_a_declined_card_can_be_retried_with_another(
    fake: FakeStripe, client: sdk.StripeClient, receiver: Receiver
) -> None:
    session_id, url = open_page(client)

    declined = httpx.post(url, data={"action": "pay", "card_number": "4000000000000002"}, follow_redirects=True)
    assert "Your card was declined." in declined.text
    between = client.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]})
    paid = httpx.post(url, data={"action": "pay", "card_number": "5555-5555-5555-4444"})

    assert (between.status, between.payment_intent.last_payment_error.decline_code) == ("open", "generic_decline")
    assert paid.status_code == 303
    assert fake.wait_idle()
    assert receiver.types() == [
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    totals = fake.totals(between.payment_intent.id)
    assert (totals["charged"], len(totals["declined"])) == (5000, 1)


def test_a_card_number_that_is_no_test_card_is_refused_and_not_kept(fake: FakeStripe, client: sdk.StripeClient) -> None:
    _, url = open_page(client)

    answer = httpx.post(url, data={"action": "pay", "card_number": "4111111111111111"}, follow_redirects=True)

    assert "takes only test card numbers" in answer.text
    assert "4111111111111111" not in answer.text
    assert fake.book()["payment_intents"] == {}


def test_paying_without_returning_shows_a_page_instead_of_redirecting(
    fake: FakeStripe, client: sdk.StripeClient
) -> None:
    session_id, url = open_page(client)

    answer = httpx.post(url, data={"action": "pay_and_leave"})

    assert answer.status_code == 200
    assert "Paid, and you did not go back" in answer.text
    assert client.v1.checkout.sessions.retrieve(session_id).payment_status == "paid"


def test_cancelling_goes_back_and_leaves_the_session_open(fake: FakeStripe, client: sdk.StripeClient) -> None:
    session_id, url = open_page(client)

    answer = httpx.post(url, data={"action": "cancel"})

    assert answer.headers["location"] == "http://127.0.0.1:9/course/1"
    assert client.v1.checkout.sessions.retrieve(session_id).status == "open"
    assert fake.events() == []


def test_the_dispute_button_pays_and_disputes(fake: FakeStripe, client: sdk.StripeClient) -> None:
    _, url = open_page(client)

    httpx.post(url, data={"action": "pay_then_dispute"})

    assert fake.book()["totals"] == {"charged": 5000, "refunded": 0, "disputed": 5000, "kept": 0}


def test_pressing_pay_many_times_at_once_charges_once(fake: FakeStripe, client: sdk.StripeClient) -> None:
    _, url = open_page(client)
    statuses: list[int] = []

    def press() -> None:
        statuses.append(httpx.post(url, data={"action": "pay_success"}).status_code)

    presses = [threading.Thread(target=press) for _ in range(8)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join()

    assert statuses == [303] * 8
    assert fake.book()["totals"]["charged"] == 5000


def test_what_the_shop_sends_is_escaped(client: sdk.StripeClient) -> None:
    price = {"currency": "usd", "unit_amount": 5000, "product_data": {"name": "<script>alert(1)</script>"}}
    _, url = open_page(client, line_items=[{"quantity": 2, "price_data": price}])

    page = httpx.get(url)

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "$100.00" in page.text


def test_an_unknown_page_is_not_found(fake: FakeStripe) -> None:
    assert httpx.get(f"{fake.url}/c/pay/cs_test_unknown").status_code == 404
