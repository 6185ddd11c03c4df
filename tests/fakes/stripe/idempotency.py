"""Idempotency keys: one answer per key for 24 hours, whatever happens to the connection."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.errors import ApiError, malformed

KEPT_SECONDS = 24 * 3600


@dataclass
class Entry:
    """What is known of a key. `status` is None while its first request is still being executed."""

    endpoint: str
    fingerprint: list[list[str]]
    first_used: float
    request_id: str
    status: int | None = None
    body: str = ""


@dataclass
class Use:
    """How often a key was sent, and how each time ended; kept for the book after the entry itself has expired."""

    executed: int = 0
    replayed: int = 0
    mismatched: int = 0
    conflicted: int = 0
    endpoints: list[str] = field(default_factory=list)


class Idempotency:
    """The key store. Thread-safe; keys age by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self.uses: dict[str, Use] = {}

    def begin(self, key: str, endpoint: str, fingerprint: list[tuple[str, str]], request_id: str) -> Entry | None:
        """Claim a key before executing: None means "execute, then call `finish` or `abandon`".

        An Entry is the stored answer to replay. Errors, as documented: HTTP 400 `idempotency_error` when the key was
        first used for another endpoint or other parameters; HTTP 409 `idempotency_key_in_use` while the first
        request is still running; HTTP 400 for a key longer than 255 characters.
        """
        if len(key) > 255:
            raise malformed("Idempotency keys can be at most 255 characters long.")
        pairs = [list(pair) for pair in fingerprint]
        with self._lock:
            self._forget_old()
            use = self.uses.setdefault(key, Use())
            known = self._entries.get(key)
            if known is None:
                self._entries[key] = Entry(endpoint, pairs, self._clock.now(), request_id)
                use.executed += 1
                use.endpoints.append(endpoint)
                return None
            if known.endpoint != endpoint or known.fingerprint != pairs:
                use.mismatched += 1
                raise _mismatch(key, known.endpoint, endpoint)
            if known.status is None:
                use.conflicted += 1
                raise ApiError(
                    409,
                    "There is currently another in-progress request using this Idempotent Key (that probably means you "
                    f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                    executed=False,
                )
            use.replayed += 1
            return known

    def finish(self, key: str, status: int, body: str) -> None:
        """Remember the answer, success or failure alike."""
        with self._lock:
            self._entries[key].status = status
            self._entries[key].body = body

    def abandon(self, key: str) -> None:
        """Forget a claim whose request was refused before the endpoint began."""
        with self._lock:
            del self._entries[key]
            self.uses[key].executed -= 1
            self.uses[key].endpoints.pop()

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.uses.clear()

    def snapshot(self) -> dict[str, Any]:
        """Finished entries and all uses; a claim under way is not saved, as its request will not survive a restart."""
        with self._lock:
            finished = {key: asdict(entry) for key, entry in self._entries.items() if entry.status is not None}
            return {"entries": finished, "uses": {key: asdict(use) for key, use in self.uses.items()}}

    def restore(self, saved: dict[str, Any]) -> None:
        with self._lock:
            self._entries = {key: Entry(**entry) for key, entry in saved["entries"].items()}
            self.uses = {key: Use(**use) for key, use in saved["uses"].items()}

    def _forget_old(self) -> None:
        limit = self._clock.now() - KEPT_SECONDS
        while self._entries:
            # Insertion order is the order of first use, so the oldest entry comes first.
            key, entry = next(iter(self._entries.items()))
            if entry.first_used > limit or entry.status is None:
                return
            del self._entries[key]


def _mismatch(key: str, first: str, now: str) -> ApiError:
    subject = "with the same parameters they were first used with"
    if first != now:
        subject = f"for the same endpoint they were first used for ('{now}' vs '{first}')"
    return ApiError(
        400,
        f"Keys for idempotent requests can only be used {subject}. Try using a key other than '{key}' if you meant to "
        "execute a different request.",
        kind="idempotency_error",
        executed=False,
    )
