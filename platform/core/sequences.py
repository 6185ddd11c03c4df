"""Gapless numbers."""

from __future__ import annotations

from django.db import connection


def next_number(name: str) -> int:
    """The next integer of the sequence `name`, starting at 1.

    The counter row stays locked until the caller's transaction ends, so numbers follow commit order and a rollback
    gives its number back.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("next_number needs a transaction, or a number could be lost.")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_counter AS c (name, value) VALUES (%s, 1)"
            " ON CONFLICT (name) DO UPDATE SET value = c.value + 1 RETURNING value",
            [name],
        )
        return cursor.fetchone()[0]
