"""The fake's own time: real time plus an offset that only moves forward."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch, shifted by `advance`. Objects, session expiry and idempotency keys follow it.

    Webhook signatures do not: they carry real time (plus the `timestamp_offset` knob), because the receiver checks
    them against its own clock.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move forward. A negative step raises ValueError: stored objects would come from the future."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self.offset += seconds
