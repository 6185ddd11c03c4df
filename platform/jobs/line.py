"""Who is next: jobs are taken straight from their table, each organization in turn.

A process first *reserves* a handful for a few seconds, then *starts* them one by one. Only the start counts an
attempt and begins the lease, so waiting behind a slow neighbour costs a job nothing: its reservation runs out and
another process takes it. All moments are the database's, so that workers with wrong clocks agree.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from operator import attrgetter
from typing import Any

from django.db import connection, transaction

from core.context import acting, system_actor
from jobs.enums import JobState
from jobs.models import NOBODY, Job

RESERVED = dt.timedelta(seconds=4)

_OPEN_AND_DUE = """j.state IN ('ready', 'running') AND j.not_before <= now()
    AND (j.lease_until IS NULL OR j.lease_until < now()) AND j.kind = ANY(%(kinds)s)"""
# Lanes are found by hopping through the index, one step for each organization that has open work. From each lane the
# oldest are looked at; the first of every lane comes before the second of any.
_RESERVE = f"""
WITH RECURSIVE lanes AS (
    (SELECT coalesce(organization_id, %(nobody)s::uuid) AS lane FROM jobs_job
     WHERE state IN ('ready', 'running') ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT (SELECT coalesce(j.organization_id, %(nobody)s::uuid) FROM jobs_job j
            WHERE j.state IN ('ready', 'running') AND coalesce(j.organization_id, %(nobody)s::uuid) > lanes.lane
            ORDER BY 1 LIMIT 1)
    FROM lanes WHERE lanes.lane IS NOT NULL
), due AS (
    SELECT o.id, true AS own, o.not_before, 1 AS turn FROM (
        SELECT j.id, j.not_before FROM jobs_job j
        WHERE j.queue = %(worker)s AND j.queue > '' AND {_OPEN_AND_DUE}
        ORDER BY j.not_before LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    ) o
    UNION ALL
    SELECT d.id, false, d.not_before, row_number() OVER (PARTITION BY lane ORDER BY d.not_before)
    FROM lanes CROSS JOIN LATERAL (
        SELECT j.id, j.not_before FROM jobs_job j
        WHERE coalesce(j.organization_id, %(nobody)s::uuid) = lanes.lane AND j.queue = '' AND {_OPEN_AND_DUE}
        ORDER BY j.not_before
        LIMIT (SELECT ceil(%(most)s::numeric / greatest(1, count(lane)))::bigint FROM lanes)
        FOR NO KEY UPDATE SKIP LOCKED
    ) d
), chosen AS (
    SELECT id, row_number() OVER (ORDER BY own DESC, turn, not_before) AS place FROM due
    ORDER BY own DESC, turn, not_before LIMIT %(most)s
)
UPDATE jobs_job j SET holder = %(holder)s, lease_until = now() + %(reserved)s
FROM chosen WHERE j.id = chosen.id RETURNING j.*, chosen.place
"""  # noqa: S608 -- put together from constants
_START = """
SELECT set_config('app.scope', 'system', true);
UPDATE jobs_job SET state = 'running', attempts = attempts + 1, max_attempts = %(most)s, started_at = now(),
    updated_at = now(), lease_until = now() + %(lease)s
WHERE id = %(id)s AND holder = %(holder)s AND attempts < %(most)s AND state IN ('ready', 'running')
  AND lease_until > now()
RETURNING attempts, started_at, lease_until, cancel_asked_at
"""


def reserve(holder: str, worker: str, *, kinds: Collection[str], most: int) -> list[Job]:
    """Set aside at most `most` due jobs of these kinds for `holder`, in the order in which they are to be done: those
    for this worker alone, then of every organization in turn the oldest."""
    values: dict[str, Any] = {
        "nobody": NOBODY, "worker": worker, "kinds": sorted(kinds), "most": most, "holder": holder,
        "reserved": RESERVED,
    }  # fmt: skip
    with acting(system_actor("line")):
        found = list(Job.objects.raw(_RESERVE, values))
    return sorted(found, key=attrgetter("place"))


def start(job: Job, *, most: int, lease: dt.timedelta) -> bool:
    """Begin a reserved job: count the attempt and commit that. False when it is no longer this holder's, or has no
    attempt left. Outside of a transaction only."""
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("An attempt must be counted even when the worker dies.")
    values: dict[str, Any] = {"most": most, "lease": lease, "id": job.pk, "holder": job.holder}
    with connection.cursor() as cursor:
        cursor.execute(_START, values)
        cursor.nextset()
        row = cursor.fetchone()
    if row is None:
        return False
    job.attempts, job.started_at, job.lease_until, job.cancel_asked_at = row
    job.state = JobState.RUNNING
    return True


def give_back(jobs: Sequence[Job]) -> None:
    """Let others have what this process reserved and will not begin."""
    ids, holders = [job.pk for job in jobs], {job.holder for job in jobs}
    with acting(system_actor("line")):
        Job.objects.filter(pk__in=ids, holder__in=holders, state=JobState.READY).release()


def free_what_the_dead_held(worker: str, is_alive: Callable[[int], bool]) -> tuple[int, int]:
    """Make due at once what processes of `worker` held that live no more, as `is_alive` says of their ids. What had
    begun goes to the end of its line: it may be what they died of.

    Returns how many jobs came free and how many living processes have some.
    """
    with acting(system_actor("line")):
        held = Job.objects.open().held_by(worker)
        holders = set(held.values_list("holder", flat=True))
        dead = {holder for holder in holders if not is_alive(int(holder.rpartition("/")[2]))}
        freed = held.filter(holder__in=dead).release() if dead else 0
    return freed, len(holders - dead)
