"""Work for hostile conditions: known to test workers only."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from pathlib import Path

from audit.models import SystemEvent
from core.sequences import next_number
from jobs.models import Job
from tasks.registry import task

NUMBER, NUMERAL = "torture.number", "torture.numeral"
NOTHING = "torture.nothing"
SLOW = "torture.slow"
SOURCE = "torture"
ATTEMPTS = 2
OUTSIDE = os.environ.get("TORTURE_OUTSIDE", "")


@task(NUMBER, timeout=3, grace=1, max_attempts=1000, formerly=(NUMERAL,))
def number(job: Job) -> str:
    """Take the next number and write one row with it: the shape of issuing a certificate."""
    taken = next_number(SOURCE)
    SystemEvent.objects.create(source=SOURCE, summary=str(taken), detail={"job": str(job.pk)})
    time.sleep(0.02)
    return f"Took number {taken}."


@task(NOTHING, timeout=3, grace=1)
def nothing(_: Job) -> str:
    return "Nothing."


@task(SLOW, timeout=10, grace=-9.6, max_attempts=1000)
def slow(job: Job) -> str:
    """Longer than its lease, with an effect outside of the database: a line in a file."""
    with Path(OUTSIDE).open("a", encoding="utf-8") as file:
        file.write(f"{job.pk}\n")
    time.sleep(1.2)
    return "Slow."


@task("torture.poison", timeout=2, grace=0.2, max_attempts=ATTEMPTS)
def poison(_: Job) -> str:
    """Kill the process that runs it."""
    os._exit(1)


@task("torture.crash", timeout=2, grace=0.2, max_attempts=ATTEMPTS)
def crash(_: Job) -> str:
    """Break a rule of the processor."""
    ctypes.string_at(0)
    return "Never."


@task("torture.oom", timeout=2, grace=0.2, max_attempts=ATTEMPTS)
def oom(_: Job) -> str:
    """What the kernel does to whom it chooses when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "Never."


@task("torture.endless", timeout=0.5, grace=0.2, max_attempts=ATTEMPTS)
def endless(_: Job) -> str:
    while True:
        pass


@task("torture.greedy", timeout=2, grace=0.2, max_attempts=ATTEMPTS)
def greedy(_: Job) -> str:
    """Ask for a gigabyte under a limit."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 29, before[1]))
    try:
        return str(len(bytearray(1 << 30)))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


POISONS = ("torture.poison", "torture.crash", "torture.oom", "torture.endless", "torture.greedy")
