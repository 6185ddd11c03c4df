"""FakeStripe: all parts joined, startable in a test or as a process, with the calls a test or judge needs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Self

from tests.fakes.stripe import book, cards, checkout, disputes, refunds
from tests.fakes.stripe.api import Api
from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.faults import Fault, Faults
from tests.fakes.stripe.idempotency import Idempotency
from tests.fakes.stripe.knobs import Knobs
from tests.fakes.stripe.server import Server
from tests.fakes.stripe.state import Json, State, StateFile
from tests.fakes.stripe.webhooks import Sender, signature


class FakeStripe:
    """A running fake on 127.0.0.1; `with FakeStripe(webhook_url=…) as stripe:` or `start()` and `stop()`.

    Give the SDK `stripe.url` as its API base and `stripe.api_key` as its key. All methods are thread-safe. Amounts
    are minor units. With `state_file` everything survives a restart, deliveries still due included.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_simulated_secret",
        api_key: str = "sk_test_simulated",
        state_file: Path | None = None,
        clock: Clock | None = None,
        knobs: Knobs | None = None,
    ) -> None:
        self.api_key = api_key
        self.webhook_secret = webhook_secret
        self.clock: Clock = clock or Clock()
        self.knobs: Knobs = knobs or Knobs()
        self.state = State(self.clock)
        self.idempotency = Idempotency(self.clock)
        self.faults: Faults = Faults()
        self.sender = Sender(self.knobs, url=webhook_url, secret=webhook_secret)
        self.api = Api(self.state, self.idempotency, self.knobs, api_key=api_key)
        self.state.on_event = self.sender.accept
        self.knobs.watch(self.sender.wake)
        self._file = StateFile(state_file) if state_file is not None else None
        self._port = port
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """The base address, known once started: `http://127.0.0.1:PORT`."""
        return self.state.base_url

    def start(self) -> Self:
        """Bind, load the state file and begin to answer and to send. Raises OSError when the port is taken."""
        self._server = Server(self, self._port)
        self.state.base_url = f"http://127.0.0.1:{self._server.server_port}"
        self._load()
        self.sender.on_settled = self.save
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True),
            threading.Thread(target=self._expire_sessions, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self.sender.start()
        return self

    def stop(self) -> None:
        """Stop answering and sending, save, and close every connection. Queued deliveries are not sent."""
        if self._server is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._server.close_all()
        for thread in self._threads:
            thread.join()
        self.sender.stop()
        self._server = None
        self.save()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def save(self) -> None:
        """Write the state file, if there is one."""
        if self._file is not None:
            self._file.save(self._dump)

    def reset(self) -> None:
        """Forget all objects, keys, deliveries and faults and put every knob back; address, key and clock stay."""
        self.knobs.reset()
        self.faults.clear()
        with self.state.lock:
            self.sender.clear()
            self.idempotency.clear()
            self.api.clear()
            self.state.clear()
        self.save()

    # What a payer, a bank or time does.

    def pay(self, session_id: str, *, card: str = cards.SUCCESS, email: str | None = None) -> Json:
        """Pay as the hosted page would; returns the charge, succeeded or failed. ValueError for an unknown card."""
        known = cards.find_card(card)
        if known is None:
            raise ValueError(f"{card} is not a test card")
        return checkout.pay(self.state, session_id, known, email=email)

    def settle(self, session_id: str, *, succeeded: bool = True) -> Json:
        """End a bank debit."""
        return checkout.settle(self.state, session_id, succeeded=succeeded)

    def expire(self, session_id: str) -> Json:
        return checkout.expire(self.state, session_id)

    def dispute(self, intent_or_charge: str, *, reason: str = "fraudulent", amount: int | None = None) -> Json:
        """Open a dispute over a payment intent's charge, or over a charge."""
        charge_id = intent_or_charge
        if intent_or_charge.startswith("pi_"):
            charge_id = self.state.get("payment_intent", intent_or_charge)["latest_charge"]
        return disputes.open_dispute(self.state, charge_id, reason=reason, amount=amount)

    def end_dispute(self, dispute_id: str, *, won: bool) -> Json:
        return disputes.end_dispute(self.state, dispute_id, won=won)

    def finish_refund(self, refund_id: str, status: str) -> Json:
        return refunds.finish_refund(self.state, refund_id, status)

    def advance(self, seconds: float) -> None:
        """Move the fake's clock and expire the sessions whose time has come."""
        self.clock.advance(seconds)
        checkout.expire_due(self.state)

    # Faults and deliveries.

    def cut_next(self, after: int = 0, **match: Any) -> None:
        """Process the next request matching `method` and `path` but send only `after` bytes of the answer."""
        self.faults.add(Fault("cut", after=after, **match))

    def fail_next(self, status: int = 500, **match: Any) -> None:
        """Answer the next matching requests with an error; see `Fault` for `effect`."""
        self.faults.add(Fault("status", status=status, **match))

    def resend(self, event_id: str, *, copies: int = 1, changes: Json | None = None) -> None:
        self.sender.resend(self.state.get("event", event_id), copies=copies, changes=changes)

    def pause(self) -> None:
        self.knobs.paused = True

    def resume(self) -> None:
        self.knobs.paused = False

    def flush(self) -> None:
        self.sender.flush()

    def wait_idle(self, timeout: float = 10.0) -> bool:
        return self.sender.wait_idle(timeout)

    def sign(self, body: bytes, timestamp: int, *, secret: str | None = None) -> str:
        """A `Stripe-Signature` header for a body of the test's own making."""
        return signature(body, secret or self.webhook_secret, timestamp)

    # The book.

    def book(self) -> Json:
        return book.whole(self)

    def totals(self, intent_id: str) -> Json:
        with self.state.lock:
            return book.totals(self.state, intent_id)

    def charges_for_key(self, key: str) -> int:
        """How many successful charges the idempotency key led to; 0 for an unknown key."""
        with self.state.lock:
            return len(book.keys(self.state, self).get(key, {"charges": []})["charges"])

    def events(self, event_type: str | None = None) -> list[Json]:
        """Events, oldest first, as the API shows them."""
        with self.state.lock:
            rows = self.state.every("event")
        return [row for row in rows if event_type in (None, row["type"])]

    def deliveries(self, event_id: str) -> list[Json]:
        return [item for item in self.sender.snapshot() if item["event_id"] == event_id]

    def _expire_sessions(self) -> None:
        while not self._stopping.wait(1.0):
            checkout.expire_due(self.state)

    def _load(self) -> None:
        saved = self._file.load() if self._file is not None else None
        if saved is not None:
            self.state.restore(saved["state"])
            checkout.move_pages(self.state)
            self.idempotency.restore(saved["idempotency"])
            self.sender.restore(saved["deliveries"])

    def _dump(self) -> str:
        with self.state.lock:
            parts = {
                "state": self.state.snapshot(),
                "idempotency": self.idempotency.snapshot(),
                "deliveries": self.sender.snapshot(),
            }
            return json.dumps(parts, ensure_ascii=False)
