"""Webhook bytes of a test's own making."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.fakes.stripe import FakeStripe


def signed(fake: FakeStripe, event: dict[str, Any], *, age: int = 0, secret: str | None = None) -> tuple[bytes, str]:
    """The raw bytes of an event and their signature, `age` seconds old."""
    raw = json.dumps(event).encode()
    return raw, fake.sign(raw, int(time.time()) - age, secret=secret)
