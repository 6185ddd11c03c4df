"""Run one job: count the attempt, do the work and mark it done together, or say why not.

Inside the database a job's effects happen exactly once, because they commit with its `done`. A worker may be killed
at any moment: the attempt was counted and committed before, the rest is rolled back, and when the lease has run out
the job is tried again, or parked when it has killed as many workers as it had attempts.
"""

from __future__ import annotations

import datetime as dt
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from audit.models import Level
from audit.services import note
from core import clock
from core.context import acting, system_actor, use_worker_actor
from core.correlation import correlated, new_correlation_id
from core.transitions import transition
from jobs.enums import JobState
from jobs.failures import clean, describe, frames
from jobs.models import Job, JobLine
from jobs.progress import JobCancelled
from tasks.registry import Task, TaskFailed, UnknownKind, find

BUSY_WAIT = dt.timedelta(seconds=2)
# The database stops a statement at the limit itself; the alarm is for everything else, and comes a little later.
ALARM_AFTER_LIMIT = 0.5
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
_ENTER = """
SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0));
SELECT set_config('statement_timeout', %s, true);
SELECT count(*) FROM jobs_job WHERE id = %s AND state IN ('ready', 'running')
"""
Begin = Callable[[Job, int, Task], bool]
log = structlog.get_logger("certaos.jobs")


class TookTooLong(Exception):
    """A task went over its time limit."""


class Busy(Exception):
    """Another job of the same kind works on the same record."""


class DecidedOtherwise(Exception):
    """The job was closed while it ran; its effects must not stay."""


def run_job(job_id: str) -> str:
    """Run the job with this id if it is due; returns a sentence. Outside of a transaction, or the attempt would not be
    counted when the worker dies. Workers take jobs in turn instead (`tasks.loop`)."""
    use_worker_actor(UUID(settings.WORKER_ACTOR_USER_ID) if settings.WORKER_ACTOR_USER_ID else None)
    with acting(system_actor("worker")):
        job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return "There is no such job: what asked for it was rolled back, or it was tidied away."
    return attempt(job, begin=_claim)


def attempt(job: Job, *, begin: Begin, holder: str = "") -> str:
    """One attempt at a job: `begin` takes it and commits that; then its work, or what is to be done without it.
    `holder`: the process that the job is set aside for."""
    with (
        correlated(new_correlation_id(job.correlation_id)),
        structlog.contextvars.bound_contextvars(job=str(job.pk), kind=job.kind),
    ):
        try:
            task = find(job.kind)
        except UnknownKind as error:
            return _park_unknown(job, error)
        most = task.attempts_for(job)
        if not begin(job, most, task):
            return _park_exhausted(job, task, most, holder)
        if job.cancel_asked_at is not None:
            return _close_cancelled(job, task)
        return _attempt(job, task)


def _claim(job: Job, most: int, task: Task) -> bool:
    """Take one job by its id."""
    with acting(system_actor(task.kind)):
        taken = Job.objects.filter(pk=job.pk).claim(most=most, lease=task.lease)
        job.refresh_from_db()
    return bool(taken)


def _attempt(job: Job, task: Task) -> str:
    log.info("job started", attempt=job.attempts)
    try:
        result = _work(job, task)
    except Busy:
        return _stand_back(job, task)
    except JobCancelled:
        return _close_cancelled(job, task)
    except Exception as error:  # noqa: BLE001 -- whatever a task raises is recorded, and the worker lives on
        return _fail(job, task, error)
    log.info("job done", attempt=job.attempts)
    return result


def _work(job: Job, task: Task) -> str:
    """Effects and `done` in one transaction, alone on the job's record."""
    with _time_limit(task.timeout + ALARM_AFTER_LIMIT), acting(system_actor(task.kind)):
        alone, still_open = _enter(job, task)
        if not alone:
            raise Busy
        if not still_open:
            return "It was done already."
        result = task.work(job)
        if not Job.objects.filter(pk=job.pk).finish(result):
            raise DecidedOtherwise("The job was closed while it ran.")
    return result


def _enter(job: Job, task: Task) -> tuple[bool, bool]:
    """Whether this transaction is now the only one at work on the kind and record, and whether the job is still open,
    asked after the lock. Both hold until it ends; so does the time limit for each statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ENTER,
            [_lock_name(job), str(int(task.timeout * 1000)), job.pk],
        )
        alone = bool(cursor.fetchone()[0])
        cursor.nextset()
        cursor.nextset()
        return alone, bool(cursor.fetchone()[0])


def _alone(job: Job) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [_lock_name(job)])
        return bool(cursor.fetchone()[0])


def _lock_name(job: Job) -> str:
    return f"{job.kind}|{job.subject_type}|{job.subject_id or job.pk}"


def _stand_back(job: Job, task: Task) -> str:
    """Come back later; the attempt does not count."""
    with acting(system_actor(task.kind)):
        until = clock.now() + BUSY_WAIT
        Job.objects.filter(pk=job.pk, attempts=job.attempts).postpone(until=until, attempt_counts=False)
    return "Another job works on the same record; this one waits."


def _fail(job: Job, task: Task, error: Exception) -> str:
    """Record the failure and plan the next attempt, or park the job after the last one."""
    text = clean(str(error)) if isinstance(error, TaskFailed) else describe(error)
    final = isinstance(error, TaskFailed) and error.final
    log.warning("job failed", attempt=job.attempts, error=text, where=frames(error))
    with acting(system_actor(task.kind)):
        if isinstance(error, TaskFailed) and error.keep is not None:
            error.keep()
        mine = Job.objects.locked().filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts)
        if not mine.exists():
            return "It failed, but meanwhile somebody else took it over."
        if final or job.attempts >= task.attempts_for(job):
            return _park(job, text, task=task, where=frames(error))
        if mine.filter(cancel_asked_at__isnull=False).exists():
            return _cancel(job, task)
        mine.postpone(until=clock.now() + task.wait_after(job.attempts), error=text)
        JobLine.objects.create(job=job, attempt=job.attempts, level="warning", text=text)
    return f"Attempt {job.attempts} failed and is tried again: {text}"


def _close_cancelled(job: Job, task: Task) -> str:
    """Close a job that stopped because it was asked to; what it did in this attempt is undone."""
    with acting(system_actor(task.kind)):
        if not Job.objects.locked().filter(pk=job.pk, state=JobState.RUNNING, attempts=job.attempts).exists():
            return "It stopped, but meanwhile somebody else took it over."
        return _cancel(job, task)


def _cancel(job: Job, task: Task) -> str:
    changes = {"finished_at": clock.now(), "lease_until": None}
    closed = transition(job, JobState.CANCELLED, field="state", reason="It was asked to stop.", changes=changes)
    if task.cancelled is not None:
        task.cancelled(closed)
    JobLine.objects.create(job=job, attempt=job.attempts, text="It stopped, as it was asked to.")
    return "Cancelled."


def _park_exhausted(job: Job, task: Task, most: int, holder: str) -> str:
    """Park a job whose last attempt ended without a word; leave alone whatever else could not be begun."""
    with acting(system_actor(task.kind)):
        lost = Job.objects.due_or_reserved(holder).filter(pk=job.pk, attempts__gte=most).exists()
        if not lost or not _alone(job):
            return f"Nothing to do: it is {job.state}."
        return _park(job, "The worker died during the last attempt.", task=task)


def _park_unknown(job: Job, error: UnknownKind) -> str:
    with acting(system_actor("worker")):
        if not Job.objects.due().filter(pk=job.pk).exists():
            return f"Nothing to do: it is {job.state}."
        return _park(job, str(error))


def _park(job: Job, text: str, *, task: Task | None = None, where: list[str] | None = None) -> str:
    """Set the job aside, visibly: history, evidence and a system event. Nothing is lost; a person may re-run it."""
    changes = {"last_error": text, "lease_until": None}
    reason = f"Given up after {job.attempts} attempts."
    parked = transition(job, JobState.PARKED, field="state", reason=reason, changes=changes)
    if task is not None and task.parked is not None:
        task.parked(parked)
    JobLine.objects.create(job=job, attempt=job.attempts, level="error", text=text)
    note(
        "jobs", f"{job.kind} is parked: {text}", level=Level.ERROR, job=str(job.pk), attempts=job.attempts, where=where
    )
    log.error("job parked", attempt=job.attempts, error=text)
    return f"Parked: {text}"


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the block after `seconds`. In the main thread only; the queue's own alarm goes on after."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong("It took longer than its time limit.")

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(0.01, left - (time.monotonic() - began)))
