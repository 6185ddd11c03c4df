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

from audit.models import Level
from audit.services import note
from core import clock
from core.context import acting, system_actor
from jobs.failures import describe
from jobs.models import ScheduleSlot
from jobs.services import enqueue

SHORTEST_PATIENCE, LONGEST_PATIENCE = dt.timedelta(minutes=2), dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One line of the table; exactly one of `every` (seconds) and `cron`. `patience` is how long after its slot the
    work may be done before the schedule counts as down; without it one period, at least 2 minutes, at most an hour."""

    name: str
    kind: str
    every: float = 0
    cron: str = ""
    zone: str = "UTC"
    catch_up: int = 1
    grace: dt.timedelta = dt.timedelta(hours=6)
    patience: dt.timedelta | None = None

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

    def next_slot(self, after: dt.datetime) -> dt.datetime:
        """The first slot later than `after`."""
        if self.every:
            return dt.datetime.fromtimestamp((after.timestamp() // self.every + 1) * self.every, clock.UTC)
        here = after.astimezone(ZoneInfo(self.zone))
        moments = croniter(self.cron, here, ret_type=dt.datetime)
        while True:
            slot: dt.datetime = moments.get_next().astimezone(clock.UTC)
            if slot > after:
                return slot

    def period(self, at: dt.datetime) -> dt.timedelta:
        """From the slot after `at` to the one after that."""
        slot = self.next_slot(at)
        return self.next_slot(slot) - slot

    def allowed(self) -> dt.timedelta:
        """`patience`, or what stands for it."""
        return self.patience or min(max(self.period(clock.now()), SHORTEST_PATIENCE), LONGEST_PATIENCE)

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
    Schedule("exports.expire", kind="exports.expire", cron="35 * * * *"),
    Schedule("exports.start_due", kind="exports.start_due", every=60),
    Schedule("files.purge", kind="files.purge", cron="25 * * * *"),
    Schedule("imports.purge", kind="imports.purge", every=300),
    Schedule("jobs.tidy", kind="jobs.tidy", cron="50 * * * *"),
    Schedule("payments.sync_open", kind="payments.sync_open", every=300),
    Schedule("proofs.prove", kind="proofs.prove", cron="15 4 * * *"),
)


class Scheduler:
    """Fires a table; remembers what it has seen, so that asking every second costs no query."""

    def __init__(self, table: Sequence[Schedule] = SCHEDULES) -> None:
        self.table = table
        self._seen: dict[str, dt.datetime] = {}
        self._broken: set[str] = set()

    def fire_due(self) -> list[str]:
        """Fire every slot whose time has come; returns the names of the schedules this call fired. A schedule that
        cannot be read stops no other, and raises one alarm."""
        now = clock.now()
        return [schedule.name for schedule in self.table for _ in range(self._fire_slots(schedule, now))]

    def _fire_slots(self, schedule: Schedule, now: dt.datetime) -> int:
        try:
            slots = schedule.slots(now)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one line, the others go on
            self._alarm(schedule, error)
            return 0
        seen = self._seen.get(schedule.name, dt.datetime.min.replace(tzinfo=clock.UTC))
        new = [slot for slot in slots if slot > seen]
        fired = sum(_fire(schedule, slot) for slot in new)
        if new:
            self._seen[schedule.name] = new[-1]
        return fired

    def _alarm(self, schedule: Schedule, error: Exception) -> None:
        if schedule.name in self._broken:
            return
        self._broken.add(schedule.name)
        with acting(system_actor("schedules")):
            note("schedules", f"The schedule {schedule.name} is broken: {describe(error)}", level=Level.ERROR)


def _fire(schedule: Schedule, slot: dt.datetime) -> bool:
    """Take the slot and ask for its job, together; False when it was fired before, or a later one was: a worker whose
    clock is slow does not come back to what was let go."""
    try:
        with acting(system_actor("schedules")):
            if ScheduleSlot.objects.filter(schedule=schedule.name, slot__gt=slot).exists():
                return False
            row = ScheduleSlot.objects.create(schedule=schedule.name, slot=slot)
            row.job = enqueue(schedule.kind, dedupe_key=f"schedule:{schedule.name}:{slot.isoformat()}")
            row.save(update_fields=["job"])
    except IntegrityError:
        return False
    return True
