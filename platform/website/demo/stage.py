"""Somebody does something at a moment in the past, and then the worker does what was asked of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from core import clock
from core.context import Actor, Kind, acting, system_actor
from core.correlation import correlated, new_correlation_id
from jobs.models import Job
from organizations.actors import load_actor
from tasks.runner import run_job

SYSTEM = system_actor("demo data")
PACE = dt.timedelta(seconds=20)


@contextmanager
def step(moment: dt.datetime, who: User | Actor) -> Iterator[None]:
    """Act as `who` at `moment` with the rights that person has, then let the worker finish what is due."""
    actor = who if isinstance(who, Actor) else load_actor(who)
    with clock.held_at(moment):
        with correlated(new_correlation_id()), acting(actor):
            yield
        work_off()


def work_off() -> None:
    """Run every job that is due, and those that they ask for, a little later each time."""
    moment = clock.now()
    while True:
        moment += PACE
        with clock.held_at(moment):
            due = list(Job.objects.due().order_by("not_before", "created_at").values_list("pk", flat=True))
            if not due:
                return
            for job_id in due:
                run_job(str(job_id))


def signing_in(user: User) -> Actor:
    """The context of somebody who is just signing up."""
    return Actor(kind=Kind.AUTH, user_id=user.pk, label=user.email)
