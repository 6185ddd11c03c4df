"""Rate limits in PostgreSQL, shared by every process, on a connection of their own so that a rollback keeps the hit."""

from __future__ import annotations

import hashlib

from django.db import connections

from core import clock
from core.errors import DomainError


def hit(name: str, who: str, *, limit: int, seconds: int) -> None:
    """Count one use of `name` by `who` (an address, an account); DomainError `too_many_requests` (429) over `limit`
    uses in a window of `seconds`. `who` is stored as a digest."""
    window = int(clock.now().timestamp()) // seconds
    key = f"{name}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"
    with connections["side"].cursor() as cursor:
        cursor.execute(
            'INSERT INTO core_ratelimit AS r (key, "window", hits) VALUES (%s, %s, 1) ON CONFLICT (key) DO UPDATE'
            ' SET hits = CASE WHEN r."window" = excluded."window" THEN r.hits + 1 ELSE 1 END,'
            ' "window" = excluded."window" RETURNING hits',
            [key, window],
        )
        hits = cursor.fetchone()[0]
    if hits > limit:
        raise DomainError("too_many_requests", seconds=seconds - int(clock.now().timestamp()) % seconds)
