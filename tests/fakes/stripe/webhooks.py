"""The webhook sender: real signed POSTs from its own threads, with retries and with the knobs' mischief."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import itertools
import random
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.stripe.deliveries import SETTLED, Attempt, Delivery, body_of
from tests.fakes.stripe.knobs import Knobs
from tests.fakes.stripe.state import Json


def signature(body: bytes, secret: str, timestamp: int) -> str:
    """The `Stripe-Signature` header for exactly these bytes."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Sender:
    """Queue and threads that deliver events to one endpoint. Without `url` events are only logged.

    A copy is retried with doubling pauses until the endpoint answers 2xx or `max_attempts` is reached; redirects are
    failures, as with Stripe. All fields are guarded by one condition; posting happens outside it.
    """

    def __init__(self, knobs: Knobs, *, url: str | None, secret: str) -> None:
        self.url = url
        self.secret = secret
        self.on_settled: Callable[[], None] = lambda: None
        self.log: list[Delivery] = []
        self._knobs = knobs
        self._cond = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._held: list[Delivery] = []
        self._open: dict[int, Delivery] = {}
        self._order = itertools.count()
        self._random, self._seed = random.Random(knobs.seed), knobs.seed
        self._threads: list[threading.Thread] = []
        self._running = False

    def start(self) -> None:
        with self._cond:
            self._running = True
        self.wake()

    def stop(self) -> None:
        """End the threads after the attempts under way; what is queued stays queued."""
        with self._cond:
            self._running = False
            threads, self._threads = self._threads, []
            self._cond.notify_all()
        for thread in threads:
            thread.join()

    def wake(self) -> None:
        """Look at the knobs again: start missing threads, notice a pause that ended."""
        with self._cond:
            while self._running and len(self._threads) < self._knobs.senders:
                number = len(self._threads)
                thread = threading.Thread(target=self._work, args=(number,), name=f"webhook-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()
            if not self._knobs.shuffle:
                self._release()
            self._cond.notify_all()

    def accept(self, event: Json) -> None:
        """Take a new event: copy, drop, hold or queue it as the knobs say."""
        if self.url is None or not self._knobs.sends(event["type"]):
            return
        with self._cond:
            if self._knobs.seed != self._seed:
                self._random, self._seed = random.Random(self._knobs.seed), self._knobs.seed
            for copy in range(1 + self._knobs.duplicate):
                delivery = Delivery(event["id"], copy, body_of(event))
                self.log.append(delivery)
                if self._random.random() < self._knobs.drop:
                    delivery.state = "dropped"
                elif self._knobs.shuffle:
                    delivery.state = "held"
                    self._held.append(delivery)
                    self._open[id(delivery)] = delivery
                else:
                    self._push(delivery, self._knobs.delay)
            if self._knobs.shuffle and len({held.event_id for held in self._held}) >= self._knobs.shuffle:
                self._release()

    def resend(self, event: Json, *, copies: int = 1, changes: Json | None = None) -> None:
        """Send further copies of an event now, unaffected by hold and drop.

        `changes` replaces top-level fields of the body (a forged `livemode` or `account`, say); it is signed properly.
        """
        with self._cond:
            done = sum(1 for known in self.log if known.event_id == event["id"])
            for copy in range(done, done + copies):
                body = body_of({**deepcopy(event), **(changes or {})})
                delivery = Delivery(event["id"], copy, body, forged=bool(changes))
                self.log.append(delivery)
                self._push(delivery, 0.0)

    def flush(self) -> None:
        """Release what is held for shuffling although too few have come together."""
        with self._cond:
            self._release()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until every copy is delivered, failed or dropped; False if held, paused or slow ones remain."""
        with self._cond:
            return self._cond.wait_for(lambda: not self._open, timeout)

    def clear(self) -> None:
        """Forget everything queued, held and logged; an attempt under way is not repeated."""
        with self._cond:
            self._queue.clear()
            self._held.clear()
            self._open.clear()
            self.log = []
            self._cond.notify_all()

    def snapshot(self) -> list[dict[str, Any]]:
        with self._cond:
            return [asdict(delivery) for delivery in self.log]

    def restore(self, saved: list[dict[str, Any]]) -> None:
        """Take over a saved log; copies that were not settled are queued again."""
        with self._cond:
            self.log = [Delivery.from_dict(item) for item in saved]
            for delivery in self.log:
                if delivery.state not in SETTLED:
                    self._push(delivery, 0.0)

    def _push(self, delivery: Delivery, delay: float) -> None:
        delivery.state = "queued"
        self._open[id(delivery)] = delivery
        heapq.heappush(self._queue, (time.monotonic() + delay, next(self._order), delivery))
        self._cond.notify_all()

    def _release(self) -> None:
        held, self._held = self._held, []
        self._random.shuffle(held)
        for delivery in held:
            self._push(delivery, self._knobs.delay)

    def _work(self, number: int) -> None:
        while (delivery := self._next(number)) is not None:
            attempt = self._post(delivery.body.encode())
            with self._cond:
                delivery.attempts.append(attempt)
                self._conclude(delivery, attempt)
                self._cond.notify_all()
            self.on_settled()

    def _conclude(self, delivery: Delivery, attempt: Attempt) -> None:
        if id(delivery) not in self._open:
            return
        if attempt.status is not None and 200 <= attempt.status < 300:
            delivery.state = "delivered"
        elif len(delivery.attempts) >= self._knobs.max_attempts:
            delivery.state = "failed"
        else:
            pause = self._knobs.retry_base * 2 ** (len(delivery.attempts) - 1)
            self._push(delivery, min(pause, self._knobs.retry_cap))
            return
        del self._open[id(delivery)]

    def _next(self, number: int) -> Delivery | None:
        with self._cond:
            while self._running:
                if self._knobs.paused or number >= self._knobs.senders or not self._queue:
                    self._cond.wait()
                    continue
                wait = self._queue[0][0] - time.monotonic()
                if wait > 0:
                    self._cond.wait(wait)
                    continue
                delivery = heapq.heappop(self._queue)[2]
                delivery.state = "sending"
                return delivery
            return None

    def _post(self, body: bytes) -> Attempt:
        wrong = self._knobs.wrong_secret
        timestamp = int(time.time()) + self._knobs.timestamp_offset
        secret = f"{self.secret}_wrong" if wrong else self.secret
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(body, secret, timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        began = time.time()
        status, error = _post(self.url or "", body, headers, self._knobs.timeout)
        return Attempt(began, round(time.time() - began, 3), status, error, timestamp, wrong)


def _post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> tuple[int | None, str | None]:
    parts = urlsplit(url)
    https = parts.scheme == "https"
    kind = http.client.HTTPSConnection if https else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    try:
        target = parts.path or "/"
        connection.request("POST", f"{target}?{parts.query}" if parts.query else target, body, headers)
        response = connection.getresponse()
        response.read(65_536)
    except (OSError, http.client.HTTPException) as problem:
        return None, f"{type(problem).__name__}: {problem}"
    else:
        return response.status, None
    finally:
        connection.close()
