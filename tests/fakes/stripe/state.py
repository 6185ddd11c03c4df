"""Everything the fake knows, behind one lock, optionally kept in a file."""

from __future__ import annotations

import copy
import json
import secrets
import string
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.errors import missing_object

Json = dict[str, Any]

API_VERSION = "2026-10-28.endive"
"""The API version of answers and events; the one the pinned SDK speaks."""

KINDS = ("checkout.session", "payment_intent", "charge", "refund", "dispute", "balance_transaction", "event")
_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


class State:
    """Objects by kind and id, in order of creation, plus facts the API does not show (`private`).

    Hold `lock` for every read-then-write; a request runs under it as a whole, so requests are serial and atomic.
    `cause` is the API request being executed, `(request id, idempotency key)`, and ends up in the events it makes.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.base_url = ""
        self.cause: tuple[str | None, str | None] = (None, None)
        self.on_event: Callable[[Json], None] = lambda _: None
        self.clear()

    def clear(self) -> None:
        with self.lock:
            self.objects: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
            self.private: dict[str, Json] = {}

    def now(self) -> int:
        return int(self.clock.now())

    def add(self, obj: Json, **private: Any) -> Json:
        """Store a new object under its `object` kind. The idempotency key that made it is remembered privately."""
        self.objects[obj["object"]][obj["id"]] = obj
        self.private[obj["id"]] = {"idempotency_key": self.cause[1], **private}
        return obj

    def get(self, kind: str, identifier: str, *, param: str = "id") -> Json:
        """The stored object itself, to read or change under the lock; ApiError 404 `resource_missing` if unknown."""
        found = self.objects[kind].get(identifier)
        if found is None:
            raise missing_object(kind, identifier, param)
        return found

    def every(self, kind: str) -> list[Json]:
        """All objects of a kind, oldest first."""
        return list(self.objects[kind].values())

    def emit(self, event_type: str, obj: Json, previous: Json | None = None) -> Json:
        """Append an event with a snapshot of the object and hand it to the webhook sender."""
        data: Json = {"object": copy.deepcopy(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        request_id, key = self.cause
        event = self.add(
            {
                "id": new_id("evt_"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now(),
                "data": data,
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": request_id, "idempotency_key": key},
                "type": event_type,
            }
        )
        self.on_event(event)
        return event

    def snapshot(self) -> Json:
        with self.lock:
            return {"clock_offset": self.clock.offset, "objects": self.objects, "private": self.private}

    def restore(self, saved: Json) -> None:
        with self.lock:
            self.clock.offset = saved["clock_offset"]
            self.objects = {kind: saved["objects"].get(kind, {}) for kind in KINDS}
            self.private = saved["private"]


class StateFile:
    """Keeps the parts' snapshots in one JSON file, replaced atomically, so that a restart goes on where it stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def load(self) -> Json | None:
        """The saved parts, or None when there is no file yet. A damaged file raises ValueError; delete it then."""
        if not self._path.exists():
            return None
        loaded: Json = json.loads(self._path.read_text(encoding="utf-8"))
        return loaded

    def save(self, make: Callable[[], str]) -> None:
        """Write what `make` returns. Called inside the file's lock, so the newest state always wins."""
        with self._lock:
            text = make()
            temporary = self._path.with_name(self._path.name + ".new")
            temporary.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._path)
