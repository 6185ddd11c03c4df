"""The settings that make the fake misbehave, with their meaning and limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.expired",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.closed",
)

DEFAULTS: dict[str, Any] = {
    "duplicate": 0,
    "shuffle": 0,
    "seed": 1,
    "delay": 0.0,
    "drop": 0.0,
    "wrong_secret": False,
    "timestamp_offset": 0,
    "paused": False,
    "senders": 1,
    "max_attempts": 10,
    "retry_base": 0.5,
    "retry_cap": 30.0,
    "timeout": 10.0,
    "enabled_events": list(EVENT_TYPES),
    "api_delay": 0.0,
}


class Knobs:
    """Settings read at the moment they matter, so turning one takes effect at once. Attributes; unknown names raise.

    Webhooks:
    duplicate         further copies of each event
    shuffle           hold events until this many are held, then send them in random order; 0 sends as they come
    seed              seed of the order and the drops
    delay             seconds before the first attempt
    drop              probability (0 to 1) that a copy is never sent
    wrong_secret      sign with another secret
    timestamp_offset  seconds added to the signature's time: -301 is stale, +600 lies in the future
    paused            send nothing for now
    senders           deliveries in parallel (1 keeps the order of events)
    max_attempts      attempts per copy until it counts as failed
    retry_base, retry_cap   seconds before the second attempt, doubled for each further one, and their limit
    timeout           seconds to wait for the receiver's answer
    enabled_events    event types that are sent; "*" for every type in the log

    API:
    api_delay         seconds each API request takes before it is executed
    """

    duplicate: int
    shuffle: int
    seed: int
    delay: float
    drop: float
    wrong_secret: bool
    timestamp_offset: int
    paused: bool
    senders: int
    max_attempts: int
    retry_base: float
    retry_cap: float
    timeout: float
    enabled_events: list[str]
    api_delay: float

    def __init__(self, **values: Any) -> None:
        self.__dict__["on_change"] = lambda: None
        self.__dict__.update(DEFAULTS)
        self.update(values)

    def watch(self, on_change: Callable[[], None]) -> None:
        """Call this after each change; one watcher."""
        self.__dict__["on_change"] = on_change

    def __setattr__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, values: dict[str, Any]) -> None:
        """Set several at once or none. Raises ValueError naming the first that is unknown, mistyped or out of range."""
        checked = {name: _checked(name, value) for name, value in values.items()}
        self.__dict__.update(checked)
        self.__dict__["on_change"]()

    def reset(self) -> None:
        self.update(dict(DEFAULTS))

    def as_dict(self) -> dict[str, Any]:
        return {name: self.__dict__[name] for name in DEFAULTS}

    def sends(self, event_type: str) -> bool:
        return "*" in self.enabled_events or event_type in self.enabled_events


def parse_knob(text: str) -> tuple[str, Any]:
    """`name=value` from a command line, the value in JSON. Raises ValueError."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(f"expected name=value, not {text!r}")
    return name, json.loads(value)


def _checked(name: str, value: Any) -> Any:
    if name not in DEFAULTS:
        raise ValueError(f"no knob named {name!r}; known: {', '.join(DEFAULTS)}")
    wanted = type(DEFAULTS[name])
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted:
        raise ValueError(f"knob {name} takes {wanted.__name__}, not {value!r}")
    if name == "drop" and not 0 <= value <= 1:
        raise ValueError("knob drop is a probability between 0 and 1")
    if name in ("senders", "max_attempts") and value < 1:
        raise ValueError(f"knob {name} is at least 1")
    if wanted in (int, float) and name not in ("timestamp_offset", "seed") and value < 0:
        raise ValueError(f"knob {name} cannot be negative")
    return value
