"""The one clock. Tests freeze it with time-machine; nothing else in the product asks for the time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils import timezone

UTC = dt.UTC
# How far this process's clock is behind the database's; workers on several machines agree about leases that way.
_behind = dt.timedelta()
_held: ContextVar[dt.datetime | None] = ContextVar("certaos_held_clock", default=None)


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return _held.get() or dt.datetime.now(UTC) + _behind


def follow_database() -> dt.timedelta:
    """From now on let `now()` agree with the clock of the database; returns how far this process's was behind.

    For workers, whose clocks may be wrong while their leases must agree.
    """
    global _behind  # noqa: PLW0603 -- one clock per process
    with connection.cursor() as cursor:
        before = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        there: dt.datetime = cursor.fetchone()[0]
    _behind = there - (before + (timezone.now() - before) / 2)
    return _behind


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
