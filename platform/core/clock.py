"""The one clock. Tests freeze it with time-machine; nothing else in the product asks for the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from zoneinfo import ZoneInfo

from django.utils import timezone

UTC = dt.UTC
_held: ContextVar[dt.datetime | None] = ContextVar("certaos_held_clock", default=None)


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return _held.get() or timezone.now()


@contextmanager
def held_at(moment: dt.datetime) -> Iterator[None]:
    """Let `now()` answer `moment` in the block. Only demo data has a past that never was; the times of evidence are
    the database's own and stay true."""
    token = _held.set(moment)
    try:
        yield
    finally:
        _held.reset(token)


def today(zone: str = "UTC") -> dt.date:
    """The calendar date in the IANA time zone `zone`."""
    return now().astimezone(ZoneInfo(zone)).date()
