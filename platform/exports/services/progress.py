"""How far an export is, told beside its transaction so that it can be watched; and whether it was cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connections

from core import clock
from exports.enums import ExportStatus
from exports.models import ExportRun

EVERY_SECONDS = 0.5


class Cancelled(Exception):
    """Somebody cancelled the export while it was written."""


def watching(run: ExportRun) -> Callable[[int], None]:
    """A function that hears how many rows are written; raises Cancelled once the run was cancelled.

    It speaks at most twice a second, in small transactions on the `side` connection, as the worker's system work.
    """
    told = 0.0

    def hear(rows: int) -> None:
        nonlocal told
        if time.monotonic() - told < EVERY_SECONDS:
            return
        told = time.monotonic()
        with connections["side"].cursor() as cursor:
            cursor.execute(
                "SELECT set_config('app.scope', 'system', true);"
                " UPDATE exports_exportrun SET rows_done = %s, started_at = coalesce(started_at, %s)"
                " WHERE id = %s RETURNING status",
                [rows, clock.now(), run.pk],
            )
            cursor.nextset()
            found = cursor.fetchone()
        if found is not None and found[0] != ExportStatus.QUEUED:
            raise Cancelled

    return hear
