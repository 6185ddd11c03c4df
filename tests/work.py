"""Work off jobs in a test, through the real runner, as the worker's database role."""

from __future__ import annotations

from jobs.models import Job
from tasks.runner import run_job
from tests.database import as_system, role


def run(job: Job) -> Job:
    """Run one job as the queue would, and return it afresh."""
    with role("app_worker"):
        run_job(str(job.pk))
    return again(job)


def run_due(*kinds: str, most: int = 100) -> list[Job]:
    """Run what is due, and what that asks for, until nothing is left; of `kinds` only, when some are named."""
    done: list[Job] = []
    while len(done) < most and (job := _next(kinds, {job.pk for job in done})):
        done.append(run(job))
    return done


def again(job: Job) -> Job:
    """The job as the database has it now, past both nets."""
    with as_system():
        return Job.objects.get(pk=job.pk)


def _next(kinds: tuple[str, ...], seen: set[object]) -> Job | None:
    with as_system():
        due = Job.objects.due().exclude(pk__in=seen).order_by("created_at", "pk")
        return (due.filter(kind__in=kinds) if kinds else due.exclude(kind="core.nothing")).first()
