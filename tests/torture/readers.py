"""People who read pages and count the seconds: how quick the product is for who has nothing to do with a trouble."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

PATIENCE = 60


class Reading:
    """How long each page took, in seconds, and how many were not served."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failed = 0

    @property
    def p95(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.95)]

    def slower_than(self, other: Reading, times: float = 2) -> bool:
        return self.p95 > times * other.p95


def read(base: str, pages: Sequence[str], count: int, *, people: int = 2, cookies: str = "") -> Reading:
    """`count` pages read in turn by so many people at once."""
    found = Reading()
    with ThreadPoolExecutor(people) as crowd:
        for status, seconds in crowd.map(lambda page: fetch(base, page, cookies=cookies), _in_turn(pages, count)):
            found.seconds.append(seconds)
            found.failed += status != 200
    return found


def fetch(base: str, path: str, *, body: str | None = None, cookies: str = "") -> tuple[int, float]:
    """The status of a page, or of what a form is answered with, and how long it took; 0 when there was no answer."""
    began = time.monotonic()
    wire = http.client.HTTPConnection(urlsplit(base).netloc, timeout=PATIENCE)
    headers = {"Cookie": cookies} | ({"Content-Type": "application/x-www-form-urlencoded"} if body else {})
    try:
        wire.request("POST" if body else "GET", path, body, headers)
        answer = wire.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        wire.close()
    return status, time.monotonic() - began


def _in_turn(pages: Sequence[str], count: int) -> Iterable[str]:
    return (pages[number % len(pages)] for number in range(count))
