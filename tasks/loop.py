"""What a worker process does all day: take what is due, in turn; run it; rest a moment when there is nothing."""

from __future__ import annotations

import os
import time
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connections

from core import clock
from core.context import use_worker_actor
from jobs.line import give_back, reserve, start
from jobs.models import Job
from jobs.queue import is_stopping, worker_name
from tasks.registry import Task, registered
from tasks.runner import attempt

# One order lasts this long; with the longest task after it, still less than the package's own time limit.
ORDER_SECONDS = 15.0
REST_SECONDS = 0.2
DATABASE_AWAY_SECONDS = 1.0
QUICK_SECONDS, SLOW_SECONDS, MOST_AT_ONCE = 0.25, 1.0, 64
log = structlog.get_logger("certaos.worker")


def look_for_work() -> str:
    """Run jobs until the order is used up or the cluster stops. The one function that the queue's package calls.

    A database that does not answer is waited for.
    """
    use_worker_actor(UUID(settings.WORKER_ACTOR_USER_ID) if settings.WORKER_ACTOR_USER_ID else None)
    ends, most, ran = time.monotonic() + ORDER_SECONDS, 1, 0
    try:
        clock.follow_database()
        while time.monotonic() < ends and not is_stopping():
            done, most = _round(most)
            ran += done
            if not done:
                time.sleep(REST_SECONDS)
    except (OperationalError, InterfaceError) as error:
        log.warning("worker waits for the database", error=type(error).__name__)
        connections.close_all()
        time.sleep(DATABASE_AWAY_SECONDS)
    return f"{ran} jobs."


def _round(most: int) -> tuple[int, int]:
    """One handful; returns how many were tried and how many to take next time: more while they are quick.

    What is not begun within a second is given back, so that whoever has a turn meanwhile, the heartbeat first of all,
    waits for one job and never for a handful.
    """
    holder = f"{worker_name()}/{os.getpid()}"
    handful = reserve(holder, worker_name(), kinds=registered().keys(), most=most)
    began, done = time.monotonic(), 0
    for job in handful:
        if is_stopping() or time.monotonic() - began > SLOW_SECONDS:
            break
        attempt(job, begin=_start, holder=holder)
        done += 1
    if left := handful[done:]:
        give_back(left)
    took = time.monotonic() - began
    if took > SLOW_SECONDS:
        return done, max(1, most // 2)
    if took < QUICK_SECONDS and done == most:
        return done, min(most * 2, MOST_AT_ONCE)
    return done, most


def _start(job: Job, most: int, task: Task) -> bool:
    return start(job, most=most, lease=task.lease)
