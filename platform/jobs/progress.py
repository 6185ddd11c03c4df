"""How far a job is, and whether it shall go on. For the work of a task, while it runs.

    for done, row in enumerate(rows):
        report_progress(job, done, len(rows), "Reading rows")
        stop_if_cancelled(job)
        ...

Progress and log lines are written on the `side` connection: they can be seen while the job's transaction runs, and
they outlive its roll-back. A job that is cut into committed chunks may use the same functions in every chunk.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.db import connections

from core import clock
from core.rehearsal import rehearsing
from jobs.models import Job

REPORT_EVERY_SECONDS = 0.5
LOOK_EVERY_SECONDS = 0.2
LINES_KEPT = 200
_SYSTEM = "SELECT set_config('app.scope', 'system', true);"
_reported: dict[UUID, float] = {}
_looked: dict[UUID, float] = {}


class JobCancelled(Exception):
    """Somebody asked the job to stop. The runner rolls the work back and closes the job as cancelled."""


def report_progress(job: Job, done: int, total: int, text: str = "") -> None:
    """Show `done` of `total` (0: not known yet) and a short sentence on the job's page.

    Cheap enough for every row: it writes at most twice a second, and always when `done` reaches `total`. A job whose
    row is not committed yet shows nothing. `text` must hold no personal data.
    """
    moment = time.monotonic()
    if done < total and moment - _reported.get(job.pk, -1e9) < REPORT_EVERY_SECONDS:
        return
    _remember(_reported, job.pk, moment)
    _beside(
        "INSERT INTO jobs_jobprogress (job_id, done, total, text, updated_at)"
        " SELECT id, %s, %s, %s, %s FROM jobs_job WHERE id = %s"
        " ON CONFLICT (job_id) DO UPDATE SET done = excluded.done, total = excluded.total, text = excluded.text,"
        " updated_at = excluded.updated_at",
        [done, total, text[:300], clock.now(), job.pk],
    )


def write_line(job: Job, text: str, *, level: str = "info") -> None:
    """Add a line to the job's log, of which the newest LINES_KEPT stay. `text` must hold no personal data."""
    _beside(
        "INSERT INTO jobs_jobline (job_id, at, attempt, level, text)"
        " SELECT id, %s, %s, %s, %s FROM jobs_job WHERE id = %s;"
        " DELETE FROM jobs_jobline WHERE job_id = %s AND id <="
        " (SELECT id FROM jobs_jobline WHERE job_id = %s ORDER BY id DESC OFFSET %s LIMIT 1)",
        [clock.now(), job.attempts, level, text[:500], job.pk, job.pk, job.pk, LINES_KEPT],
    )


def stop_if_cancelled(job: Job) -> None:
    """Raise JobCancelled when somebody asked this job to stop; let it pass through your code.

    Call it where the work can end without harm, as often as you like: it looks at most five times a second.
    """
    moment = time.monotonic()
    if moment - _looked.get(job.pk, -1e9) < LOOK_EVERY_SECONDS:
        return
    _remember(_looked, job.pk, moment)
    if Job.objects.filter(pk=job.pk, cancel_asked_at__isnull=False).exists():
        raise JobCancelled


def _remember(book: dict[UUID, float], key: UUID, moment: float) -> None:
    if len(book) > 1000:
        book.clear()
    book[key] = moment


def _beside(sql: str, values: list[Any]) -> None:
    """Run statements in one small transaction of their own, as the worker's system work."""
    if rehearsing():
        return
    with connections["side"].cursor() as cursor:
        cursor.execute(_SYSTEM + sql, values)
