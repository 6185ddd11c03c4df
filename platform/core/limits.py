"""Rate limits in PostgreSQL, shared by every process, on a connection of their own so that a rollback keeps the hit.

A window begins with the first use and lasts as long as the limit says; each use is one statement. The table is an
ordinary, logged one: limits survive a restart of the web and of the database.
"""

from __future__ import annotations

import hashlib

from django.db import connections

from core import clock
from core.errors import DomainError

_MS = 1000


def hit(name: str, who: str, *, limit: int, seconds: int) -> None:
    """Count one use of `name` by `who` (an address, an account); DomainError `too_many_requests` (429) over `limit`
    uses in a window of `seconds`. `who` is stored as a digest."""
    now = _now()
    # A window that begins further ahead than it is long was written by a clock that was wrong, and is over.
    running = (now - seconds * _MS + 1, now + seconds * _MS)
    with connections["side"].cursor() as cursor:
        cursor.execute(
            'INSERT INTO core_ratelimit AS r (key, "window", hits) VALUES (%s, %s, 1) ON CONFLICT (key) DO UPDATE'
            ' SET hits = CASE WHEN r."window" BETWEEN %s AND %s THEN r.hits + 1 ELSE 1 END,'
            ' "window" = CASE WHEN r."window" BETWEEN %s AND %s THEN r."window" ELSE excluded."window" END'
            ' RETURNING hits, "window"',
            [_key(name, who), now, *running, *running],
        )
        hits, began = cursor.fetchone()
    if hits > limit:
        raise DomainError("too_many_requests", seconds=max(1, -(-(began + seconds * _MS - now) // _MS)))


def forgive(name: str, who: str) -> None:
    """Take one use back: a try that turned out to be right does not count."""
    with connections["side"].cursor() as cursor:
        cursor.execute("UPDATE core_ratelimit SET hits = hits - 1 WHERE key = %s AND hits > 0", [_key(name, who)])


def forget_old(seconds: int) -> int:
    """Remove windows that began more than `seconds` ago; returns how many."""
    with connections["side"].cursor() as cursor:
        cursor.execute('DELETE FROM core_ratelimit WHERE "window" < %s', [_now() - seconds * _MS])
        return int(cursor.rowcount)


def _now() -> int:
    return int(clock.now().timestamp() * _MS)


def _key(name: str, who: str) -> str:
    return f"{name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
