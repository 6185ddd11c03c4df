"""The worker's own housekeeping."""

from __future__ import annotations

import datetime as dt
import os

from django.db.models import Q

from core import clock
from jobs.enums import JobState
from jobs.models import Job, ScheduleSlot, WorkerHeartbeat
from jobs.queue import own_queue
from tasks.registry import task

BEAT = "jobs.beat"
KEPT = dt.timedelta(days=7)


@task(BEAT, timeout=20, max_attempts=3)
def beat(job: Job) -> str:
    """Prove that a job goes the whole way: asked for, taken from this worker's queue, run and recorded.

    A beat that another worker ran (because the queue lost it and it was put on the shared one) proves nothing.
    """
    worker = str(job.params["worker"])
    if os.environ.get("Q_CLUSTER_NAME") != own_queue(worker):
        return f"Not of the worker {worker}, so not counted."
    facts = {"beat_at": clock.now(), "started_at": dt.datetime.fromisoformat(job.params["started_at"])}
    WorkerHeartbeat.objects.update_or_create(worker=worker, defaults=facts)
    return f"{worker} works."


@task("jobs.tidy")
def tidy(_: Job) -> str:
    """Forget what schedules and heartbeats left behind a week ago. Other jobs stay: their keys hold for ever."""
    limit = clock.now() - KEPT
    own = Q(dedupe_key__startswith="schedule:") | Q(dedupe_key__startswith="beat:")
    jobs, _details = Job.objects.filter(own, state=JobState.DONE, finished_at__lt=limit).delete()
    slots, _details = ScheduleSlot.objects.filter(slot__lt=limit).delete()
    workers, _details = WorkerHeartbeat.objects.filter(beat_at__lt=limit).delete()
    return f"Forgot {jobs} jobs, {slots} slots and {workers} workers."
