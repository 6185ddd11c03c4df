"""What is known about the sending of events: one record per copy, one per attempt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe.state import Json

SETTLED = ("delivered", "failed", "dropped")


@dataclass
class Attempt:
    """One POST. `status` is None when no answer came; `error` then says why. Times are real seconds."""

    at: float
    seconds: float
    status: int | None
    error: str | None
    timestamp: int
    wrong_secret: bool


@dataclass
class Delivery:
    """One copy of an event on its way: held, queued, sending, delivered, failed (attempts used up) or dropped."""

    event_id: str
    copy: int
    body: str
    state: str = "queued"
    forged: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Delivery:
        return cls(**{**saved, "attempts": [Attempt(**attempt) for attempt in saved["attempts"]]})


def body_of(event: Json) -> str:
    """The exact text that is signed and sent: indented JSON with characters beyond ASCII as they are."""
    return json.dumps(event, indent=2, ensure_ascii=False)
