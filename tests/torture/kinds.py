"""Work for hostile conditions: known to test workers only."""

from __future__ import annotations

import os
import time

from audit.models import SystemEvent
from core.sequences import next_number
from jobs.models import Job
from tasks.registry import task

NUMBER = "torture.number"
POISON = "torture.poison"
SOURCE = "torture"


@task(NUMBER, timeout=3, grace=1, max_attempts=100)
def number(job: Job) -> str:
    """Take the next number and write one row with it: the shape of issuing a certificate."""
    taken = next_number(SOURCE)
    SystemEvent.objects.create(source=SOURCE, summary=str(taken), detail={"job": str(job.pk)})
    time.sleep(0.02)
    return f"Took number {taken}."


@task(POISON, timeout=2, grace=0.2, max_attempts=2)
def poison(_: Job) -> str:
    """Kill the process that runs it."""
    os._exit(1)
