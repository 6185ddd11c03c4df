"""`python -m tests.torture.cluster [--split]`: the cluster of a test worker.

`--split` breaks the runner: it commits the effects first and marks the job done afterwards. That control shows what
the same kills do to a runner without the one transaction.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

import django
from django.core.management import call_command


def split_work(job: Any, task: Any) -> str:
    """What `tasks.runner._work` must not be."""
    runner = importlib.import_module("tasks.runner")
    acting, system_actor, jobs = runner.acting, runner.system_actor, runner.Job.objects
    with acting(system_actor(task.kind)):
        result: str = task.work(job)
    time.sleep(0.3)
    with acting(system_actor(task.kind)):
        jobs.filter(pk=job.pk).finish(result)
    return result


if __name__ == "__main__":
    django.setup()
    importlib.import_module("tests.torture.kinds")
    if "--split" in sys.argv:
        importlib.import_module("tasks.runner")._work = split_work  # type: ignore[attr-defined]  # -- the control
    call_command("qcluster")
