"""Heal what the queue lost."""

from __future__ import annotations

import datetime as dt

from core import clock
from jobs.models import Job
from jobs.queue import carry, free_again, lies_ready

SETTLED = dt.timedelta(seconds=10)
MOST = 500


def requeue_due(*, settled: dt.timedelta = SETTLED) -> int:
    """Bring due jobs that lie in no queue back to it; returns how many were looked at. Needs the system context.

    Their entry may be gone (a new SECRET_KEY makes the queue throw it away), or taken by a worker that was killed.
    Whatever is due for less than `settled`, or taken for less, is left to its normal way. An entry too many is
    harmless, because a job is claimed once.
    """
    limit = clock.now() - settled
    late = Job.objects.due().filter(~lies_ready(), not_before__lte=limit).order_by("not_before", "pk")
    found = list(late.values_list("pk", flat=True)[:MOST])
    for pk in set(found) - free_again(found, taken_before=limit):
        carry(pk)
    return len(found)
