"""The worker's own housekeeping."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from core import clock
from jobs.enums import JobState
from jobs.models import Job, ScheduleSlot, WorkerHeartbeat
from jobs.queue import worker_name
from tasks.registry import task

BEAT = "jobs.beat"
KEPT = dt.timedelta(days=7)
BEATS_KEPT = dt.timedelta(hours=1)


@task(BEAT, timeout=20, max_attempts=3)
def beat(job: Job) -> str:
    """Prove that a job goes the whole way: asked for, taken by a process of this worker, run and recorded."""
    worker = str(job.params["worker"])
    if worker_name() != worker:
        return f"Not of the worker {worker}, so not counted."
    facts = {"beat_at": clock.now(), "started_at": dt.datetime.fromisoformat(job.params["started_at"])}
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults=facts)
    return f"{worker} works."


@task("jobs.tidy")
def tidy(_: Job) -> str:
    """Forget what schedules left behind a week ago, and heartbeats an hour ago, answered or not: a worker that is gone
    for good leaves some. Other jobs stay: their keys hold for ever."""
    limit = clock.now() - KEPT
    schedules = Q(dedupe_key__startswith="schedule:", finished_at__lt=limit, state=JobState.DONE)
    beats = Q(dedupe_key__startswith="beat:", created_at__lt=clock.now() - BEATS_KEPT)
    jobs, _details = Job.objects.filter(schedules | beats).delete()
    slots, _details = ScheduleSlot.objects.filter(slot__lt=limit).delete()
    workers, _details = WorkerHeartbeat.objects.filter(beat_at__lt=limit).delete()
    return f"Forgot {jobs} jobs, {slots} slots and {workers} workers."
