"""When work starts by itself: one table.

Every line fires a job of its kind for each slot. A slot is a multiple of `every` seconds since 1970, or a moment of
`cron` in `zone`. The row (schedule, slot) is unique, so any number of workers may run this table; the job's
idempotency key names the slot as well.

After a stop, the newest `catch_up` slots not older than `grace` are made good for, oldest first; older ones are let
go. The heartbeat is not in the table: each worker asks for its own (`tasks.supervisor`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from croniter import croniter
from django.conf import settings
from django.db import IntegrityError

from core import clock
from core.context import acting, system_actor
from jobs.models import ScheduleSlot
from jobs.services import enqueue


@dataclass(frozen=True, slots=True)
class Schedule:
    """One line of the table; exactly one of `every` (seconds) and `cron`."""

    name: str
    kind: str
    every: float = 0
    cron: str = ""
    zone: str = "UTC"
    catch_up: int = 1
    grace: dt.timedelta = dt.timedelta(hours=6)

    def __post_init__(self) -> None:
        if bool(self.every) == bool(self.cron) or self.every < 0:
            raise ValueError(f"The schedule {self.name} needs either every or cron.")
        if self.cron and not croniter.is_valid(self.cron):
            raise ValueError(f"The schedule {self.name} has no valid cron expression.")

    def slots(self, now: dt.datetime) -> list[dt.datetime]:
        """The slots that should have fired by `now`, oldest first: at most `catch_up`, none older than `grace`."""
        found: list[dt.datetime] = []
        for slot in self._backwards(now):
            if now - slot > self.grace or len(found) == self.catch_up:
                break
            found.append(slot)
        return found[::-1]

    def _backwards(self, now: dt.datetime) -> Iterator[dt.datetime]:
        if self.every:
            number = int(now.timestamp() // self.every)
            while True:
                yield dt.datetime.fromtimestamp(number * self.every, clock.UTC)
                number -= 1
        # The search looks strictly before its start, and a moment that is a slot itself counts.
        after = (now + dt.timedelta(seconds=1)).astimezone(ZoneInfo(self.zone))
        moments = croniter(self.cron, after, ret_type=dt.datetime)
        while True:
            slot = moments.get_prev().astimezone(clock.UTC)
            if slot <= now:
                yield slot


SCHEDULES: tuple[Schedule, ...] = (
    Schedule("approvals.expire", kind="approvals.expire", every=900),
    Schedule("audit.anchor", kind="audit.anchor", cron="5 * * * *"),
    Schedule("audit.verify", kind="audit.verify", cron="40 3 * * *"),
    Schedule(
        "certificates.issue_due", kind="certificates.issue_due", every=settings.CERT_ISSUER_POLL_INTERVAL_MS / 1000
    ),
    Schedule("files.purge", kind="files.purge", cron="25 * * * *"),
    Schedule("imports.purge", kind="imports.purge", every=300),
    Schedule("jobs.tidy", kind="jobs.tidy", cron="50 2 * * *"),
    Schedule("payments.sync_open", kind="payments.sync_open", every=300),
)


class Scheduler:
    """Fires a table; remembers what it has seen, so that asking every second costs no query."""

    def __init__(self, table: Sequence[Schedule] = SCHEDULES) -> None:
        self.table = table
        self._seen: dict[str, dt.datetime] = {}

    def fire_due(self) -> list[str]:
        """Fire every slot whose time has come; returns the names of the schedules this call fired."""
        now = clock.now()
        fired = []
        for schedule in self.table:
            for slot in schedule.slots(now):
                if slot > self._seen.get(schedule.name, dt.datetime.min.replace(tzinfo=clock.UTC)):
                    fired += [schedule.name] if _fire(schedule, slot) else []
                    self._seen[schedule.name] = slot
        return fired


def _fire(schedule: Schedule, slot: dt.datetime) -> bool:
    """Take the slot and ask for its job, together; False when it was fired before."""
    try:
        with acting(system_actor("schedules")):
            ScheduleSlot.objects.create(schedule=schedule.name, slot=slot)
            enqueue(schedule.kind, dedupe_key=f"schedule:{schedule.name}:{slot.isoformat()}")
    except IntegrityError:
        return False
    return True
