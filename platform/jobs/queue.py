"""The queue carries a job's id and nothing else."""

from __future__ import annotations

import datetime as dt
from time import sleep
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

RUNNER = "tasks.runner.run_job"


def shared_queue() -> str:
    """The name of the queue that every worker takes from."""
    return str(settings.Q_CLUSTER["name"])


def own_queue(worker: str) -> str:
    """The name of the queue that only the worker of this name takes from: its heartbeats."""
    return f"{shared_queue()}@{worker}"


class HouseBroker(ORM):
    """The package's ORM broker, with four differences.

    An entry's key is `queue|job`, so that one can see which jobs lie in the queue. A worker takes from its own queue
    first and then from the shared one. Within a queue the entry made first is first, also when a dead worker had it.
    An entry may lie hidden until its time (`at`), which is how a retry waits.
    """

    def __init__(
        self, list_key: str | None = None, *, job_id: UUID | None = None, at: dt.datetime | None = None
    ) -> None:
        super().__init__(list_key=list_key)
        self.job_id = job_id
        self.at = at

    def enqueue(self, task: str) -> int:
        """Put a signed package on the queue in the caller's transaction."""
        key = f"{self.list_key}|{self.job_id or ''}"
        entry = self.get_connection().create(key=key, payload=task, lock=self.at or timezone.now())
        return int(entry.pk)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """Lease at most one bulk of entries; rest a moment when there are none."""
        for queue in dict.fromkeys((self.list_key, shared_queue())):
            taken = self._take(queue)
            if taken:
                return taken
        sleep(Conf.POLL)
        return None

    def queue_size(self) -> int:
        """How many entries wait in the broker's own queue."""
        return self._entries(self.list_key).filter(lock__lte=timezone.now()).count()

    def lock_size(self) -> int:
        """How many entries of the broker's own queue are leased or hidden."""
        return self._entries(self.list_key).filter(lock__gt=timezone.now()).count()

    def _entries(self, queue: str) -> QuerySet[OrmQ]:
        found: QuerySet[OrmQ] = self.get_connection().filter(key__startswith=f"{queue}|")
        return found

    def _take(self, queue: str) -> list[tuple[int, str]]:
        entries = self._entries(queue).filter(lock__lt=timezone.now()).order_by("pk")[: Conf.BULK]
        return [(entry.pk, entry.payload) for entry in entries if self._lease(entry)]

    def _lease(self, entry: OrmQ) -> bool:
        leased: int = self.get_connection().filter(pk=entry.pk, lock=entry.lock).update(lock=self.timeout(entry))
        return leased == 1


def carry(job_id: UUID, *, queue: str = "", at: dt.datetime | None = None) -> None:
    """Put the id on a queue, to be taken not before `at`; commits or rolls back with the caller.

    The package keeps no record of the result: the job's row is the record.
    """
    broker: Any = HouseBroker(queue or shared_queue(), job_id=job_id, at=at)
    async_task(RUNNER, str(job_id), task_name=str(job_id)[:8], ack_failure=True, save=False, broker=broker)


def lies_ready() -> Exists:
    """For a queryset of jobs: whether an entry of the shared queue waits to be taken."""
    key = Concat(Value(f"{shared_queue()}|"), Cast(OuterRef("pk"), CharField()))
    return Exists(OrmQ.objects.filter(key=key, lock__lte=timezone.now()))


def free_again(job_ids: list[UUID], *, taken_before: dt.datetime) -> set[UUID]:
    """Let entries that were taken before this moment be taken again, in their old place in line; returns the jobs that
    have any entry at all."""
    keys = {f"{shared_queue()}|{pk}": pk for pk in job_ids}
    entries = OrmQ.objects.filter(key__in=keys)
    present = {keys[key] for key in entries.values_list("key", flat=True)}
    leased_until = taken_before + dt.timedelta(seconds=Conf.RETRY)
    entries.filter(lock__gt=timezone.now(), lock__lt=leased_until).update(lock=timezone.now())
    return present
