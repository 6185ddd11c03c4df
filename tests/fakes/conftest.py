"""Fixtures around the fake Stripe: a receiver for its webhooks, a running fake, and the real SDK pointed at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe as sdk

from tests.fakes.stripe import FakeStripe, Knobs

SECRET = "whsec_for_tests"


class Receiver(ThreadingHTTPServer):
    """Records each webhook's exact bytes and signature; answers with `statuses` in turn, then 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[bytes, str]] = []
        self.statuses: list[int] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def verified(self, secret: str = SECRET) -> list[sdk.Event]:
        """Every delivery as the SDK verifies it; raises its SignatureVerificationError for a bad one."""
        return [sdk.Webhook.construct_event(body, header, secret) for body, header in self.got]

    def types(self) -> list[str]:
        return [event.type for event in self.verified()]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.got.append((body, self.headers["Stripe-Signature"]))
            status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if status in (301, 302):
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, template: str, *args: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def fake(receiver: Receiver) -> Iterator[FakeStripe]:
    knobs = Knobs(retry_base=0.02, max_attempts=4, timeout=5.0)
    with FakeStripe(webhook_url=receiver.url, webhook_secret=SECRET, knobs=knobs) as running:
        yield running


@pytest.fixture
def client(fake: FakeStripe) -> sdk.StripeClient:
    return sdk_client(fake)


def sdk_client(fake: FakeStripe, *, retries: int = 0, api_key: str | None = None) -> sdk.StripeClient:
    """The real SDK talking to the fake; without its own retries unless asked, as those pause for half a second."""
    return sdk.StripeClient(api_key or fake.api_key, base_addresses={"api": fake.url}, max_network_retries=retries)


def session_params(**changes: Any) -> dict[str, Any]:
    """A checkout as the product would ask for it: one course at 50 dollars."""
    return {
        "mode": "payment",
        "success_url": "http://127.0.0.1:9/paid?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1:9/course/1",
        "client_reference_id": "enrollment-1",
        "customer_email": "ana@example.org",
        "metadata": {"enrollment_id": "1"},
        "payment_intent_data": {"metadata": {"enrollment_id": "1"}},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 5000,
                    "product_data": {"name": "Credit counseling course"},
                },
            }
        ],
        **changes,
    }


def paid_intent(fake: FakeStripe, client: sdk.StripeClient, **changes: Any) -> str:
    """A payment intent that has just been paid."""
    session = client.v1.checkout.sessions.create(session_params(**changes))
    charge = fake.pay(session.id)
    intent: str = charge["payment_intent"]
    return intent
