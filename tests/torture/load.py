"""People at work on a real server: they ask for courses and read pages, and remember what they were told."""

from __future__ import annotations

import http.client
import itertools
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

TOKEN = "a" * 32
FORM = {
    "kind": "CC", "mode": "individual", "court_id": "cacb", "first_name": "Lucia", "last_name": "Ramos",
    "csrfmiddlewaretoken": TOKEN,
}  # fmt: skip
PAGES = ("/", "/providers", "/provider-b/enroll", "/es/docs", "/verify/nothing")
PATIENCE = 40


class Load:
    """`acknowledged` holds the address of every request for a course that was answered with success."""

    def __init__(self, base: str, seed: int, *, writes: float = 0.7) -> None:
        self.host = urlsplit(base).netloc
        self.writes = writes
        self.acknowledged: set[str] = set()
        self.told: Counter[int] = Counter()
        self.slowest = 0.0
        self.answered_at = time.monotonic()
        self.without_hint = 0
        self._seeds = itertools.count(seed)
        self._stop = threading.Event()

    def work(self) -> None:
        """One person, until the load stops."""
        chance = random.Random(next(self._seeds))
        while not self._stop.is_set():
            try:
                self.write(chance) if chance.random() < self.writes else self.read(chance)
            except (OSError, http.client.HTTPException):
                self.told[0] += 1
                time.sleep(0.05)

    def write(self, chance: random.Random) -> None:
        address = f"{uuid.UUID(int=chance.getrandbits(128))}@mail.example"
        form = urlencode(FORM | {"email": address})
        if self.ask("POST", "/provider-a/enroll", form, chance) == 302:
            self.acknowledged.add(address)

    def read(self, chance: random.Random) -> None:
        self.ask("GET", chance.choice(PAGES), None, chance)

    def ask(self, method: str, path: str, body: str | None, chance: random.Random) -> int:
        headers = {
            "X-Forwarded-For": f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
            "Cookie": f"csrf={TOKEN}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        began = time.monotonic()
        wire = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        try:
            wire.request(method, path, body, headers)
            answer = wire.getresponse()
            answer.read()
        finally:
            wire.close()
            self.slowest = max(self.slowest, time.monotonic() - began)
        self.told[answer.status] += 1
        if answer.status == 503:
            self.without_hint += answer.headers.get("Retry-After") is None
            time.sleep(0.1)
        elif answer.status < 500:
            self.answered_at = time.monotonic()
        return answer.status

    def wait_for_answers(self, seconds: float) -> float:
        """Wait until somebody is served again; how long that took. AssertionError when it takes longer."""
        began = time.monotonic()
        while self.answered_at < began:
            assert time.monotonic() < began + seconds, f"nobody was served for {seconds:g} seconds"
            time.sleep(0.02)
        return self.answered_at - began

    def stop(self) -> None:
        self._stop.set()


@contextmanager
def people(base: str, seed: int, count: int = 8, **options: Any) -> Iterator[Load]:
    """`count` people at work while the block runs; everyone has their last answer when it ends."""
    load = Load(base, seed, **options)
    crowd = [threading.Thread(target=load.work) for _ in range(count)]
    for person in crowd:
        person.start()
    try:
        yield load
    finally:
        load.stop()
        for person in crowd:
            person.join()
