"""`python -m tests.torture.cluster [mistake]`: the cluster of a test worker, with one mistake in it for controls.

--split      commits the effects first and marks the job done afterwards
--unlocked   takes no lock on the record before it works
--uncounted  counts an attempt only when it returns, as the queue's package does
--one-line   takes first what was asked for first, whoever did
--new-ids    gives every attempt to deliver a mail another Message-ID
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
import time
import uuid
from typing import Any

import django


def split_work(job: Any, task: Any) -> str:
    """What `tasks.runner._work` must not be."""
    runner = importlib.import_module("tasks.runner")
    acting, system_actor, jobs = runner.acting, runner.system_actor, runner.Job.objects
    with acting(system_actor(task.kind)):
        result: str = task.work(job)
    if task.kind == "torture.number":  # heartbeats go first, and slow ones would leave no time for anything else
        time.sleep(0.3)
    with acting(system_actor(task.kind)):
        jobs.filter(pk=job.pk).finish(result)
    return result


def _split() -> None:
    vars(importlib.import_module("tasks.runner"))["_work"] = split_work


def _unlocked() -> None:
    vars(importlib.import_module("tasks.runner"))["_enter"] = lambda _job, _task: (True, True)


def _uncounted() -> None:
    loop, context = importlib.import_module("tasks.loop"), importlib.import_module("core.context")
    started = loop.start

    def start(job: Any, **limits: Any) -> bool:
        begun: bool = started(job, **limits)
        with context.acting(context.system_actor("control")):
            loop.Job.objects.filter(pk=job.pk).update(attempts=0)
        return begun

    vars(loop)["start"] = start


def _new_ids() -> None:
    transports = importlib.import_module("notifications.transports")
    made = transports._mail

    def mail(message: Any) -> Any:
        built = made(message)
        built.extra_headers["Message-ID"] = f"<{uuid.uuid4().hex}@certaos.example>"
        return built

    vars(transports)["_mail"] = mail


def one_line(reserve: str) -> str:
    """The statement that reserves work, without turns."""
    for lane in ("coalesce(organization_id, %(nobody)s::uuid)", "coalesce(j.organization_id, %(nobody)s::uuid)"):
        reserve = reserve.replace(lane, "%(nobody)s::uuid")
    return reserve


def _one_line() -> None:
    line = importlib.import_module("jobs.line")
    vars(line)["_RESERVE"] = one_line(vars(line)["_RESERVE"])


MISTAKES = {
    "--split": _split, "--unlocked": _unlocked, "--uncounted": _uncounted, "--one-line": _one_line,
    "--new-ids": _new_ids,
}  # fmt: skip


def impatient(kind: str, *, timeout: float, wait: float) -> None:
    """Let a task of the product be tried again after a moment, not after minutes."""
    registry = importlib.import_module("tasks.registry")
    known = registry.find(kind)
    registry._TASKS[kind] = dataclasses.replace(known, timeout=timeout, grace=1, most=1000, backoff=(wait * 1000, 1))


if __name__ == "__main__":
    django.setup()
    importlib.import_module("tests.torture.kinds")
    impatient("notifications.deliver", timeout=8, wait=0.3)
    for argument in sys.argv[1:]:
        MISTAKES[argument]()
    importlib.import_module("tasks.cluster").run_cluster()
