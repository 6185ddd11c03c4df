"""Dead-man checks: for each schedule and each worker, whether what should happen regularly did happen.

A schedule is judged by slots whose job is *done*, not by slots that fired. After its slot a schedule may take half its
`patience` before it is late, all of it before it is down. A worker is judged by its heartbeat.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Min

from accounts.enums import PlatformRole
from accounts.models import User
from audit.models import Level
from audit.services import note
from core import clock
from jobs.enums import JobState
from jobs.models import Downtime, ScheduleSlot, WorkerHeartbeat
from jobs.vitality import Vitality
from notifications.services import notify
from tasks.schedules import SCHEDULES, Schedule

BEAT_LATE, BEAT_DOWN = dt.timedelta(seconds=60), dt.timedelta(seconds=180)
NO_WORKER = "worker:any"
WENT_DOWN, CAME_BACK = "ops.vital.down", "ops.vital.up"


@dataclass(frozen=True, slots=True)
class Vital:
    """One watched thing: how it stands, what it did last, and when it should have done or should do it again."""

    watched: str
    state: Vitality
    every: dt.timedelta | None = None
    last: dt.datetime | None = None
    took: dt.timedelta | None = None
    said: str = ""
    expected: dt.datetime | None = None

    @property
    def name(self) -> str:
        return self.watched.partition(":")[2]


def vitals(table: Sequence[Schedule] = SCHEDULES) -> list[Vital]:
    """Every schedule of the table and every worker, as they stand now. Three queries."""
    return [*_schedules(table), *_workers()]


def watch(table: Sequence[Schedule] = SCHEDULES) -> list[str]:
    """Keep the log of downtimes: open one for what went down, close it for what came back, and tell the platform's
    staff by a system event and by mail, once, however many workers watch. That there is no worker at all is for the
    page alone: whoever watches is one. Returns what changed. Needs the system context."""
    found = [vital for vital in vitals(table) if vital.watched != NO_WORKER]
    down = {vital.watched: vital for vital in found if vital.state == Vitality.DOWN}
    noted = dict(Downtime.objects.filter(ended_at=None).values_list("watched", "pk"))
    changed = [watched for watched, vital in down.items() if watched not in noted and _open(vital)]
    return changed + [watched for watched, pk in noted.items() if watched not in down and _close(pk)]


def _schedules(table: Sequence[Schedule]) -> Iterator[Vital]:
    slots = ScheduleSlot.objects.filter(schedule__in=[schedule.name for schedule in table])
    done = slots.filter(job__state=JobState.DONE).order_by("schedule", "-slot").distinct("schedule")
    latest = {slot.schedule: slot for slot in done.select_related("job")}
    first = dict(slots.order_by("schedule").values_list("schedule").annotate(Min("slot")))
    for schedule in table:
        slot = latest.get(schedule.name)
        since = slot.slot if slot else first.get(schedule.name)
        yield _schedule(schedule, slot, since)


def _schedule(schedule: Schedule, slot: ScheduleSlot | None, since: dt.datetime | None) -> Vital:
    watched = f"schedule:{schedule.name}"
    if since is None:
        return Vital(watched, Vitality.NEW, schedule.period(clock.now()))
    # What never succeeded is expected since its first slot, what did since the slot after.
    expected = schedule.next_slot(since) if slot else since
    waits, patience = clock.now() - expected, schedule.allowed()
    state = Vitality.DOWN if waits > patience else Vitality.LATE if waits > patience / 2 else Vitality.OK
    job = slot.job if slot else None
    if job is None or job.finished_at is None:
        return Vital(watched, state, schedule.period(since), expected=expected)
    took = job.finished_at - job.started_at if job.started_at else None
    return Vital(watched, state, schedule.period(since), job.finished_at, took, job.result, expected)


def _workers() -> Iterator[Vital]:
    beats = list(WorkerHeartbeat.objects.order_by("worker"))
    if not beats:
        yield Vital(NO_WORKER, Vitality.DOWN)
    for beat in beats:
        silent = clock.now() - beat.beat_at
        state = Vitality.DOWN if silent > BEAT_DOWN else Vitality.LATE if silent > BEAT_LATE else Vitality.OK
        yield Vital(f"worker:{beat.worker}", state, last=beat.beat_at, expected=beat.beat_at)


def _open(vital: Vital) -> bool:
    try:
        with transaction.atomic():
            downtime = Downtime.objects.create(watched=vital.watched, began_at=vital.expected or clock.now())
    except IntegrityError:
        return False
    _tell(downtime, WENT_DOWN, f"{vital.watched} is down.", Level.ERROR)
    return True


def _close(pk: int) -> bool:
    downtime = Downtime.objects.select_for_update().get(pk=pk)
    if downtime.ended_at is not None:
        return False
    downtime.ended_at = clock.now()
    downtime.save(update_fields=["ended_at"])
    _tell(downtime, CAME_BACK, f"{downtime.watched} is up again.", Level.INFO)
    return True


def _tell(downtime: Downtime, event: str, summary: str, level: Level) -> None:
    note("vitals", summary, level=level, downtime=downtime.pk, since=downtime.began_at)
    staff = User.objects.filter(
        platform_role__in=(PlatformRole.ADMIN, PlatformRole.SUPPORT), is_active=True, is_process=False
    )
    for person in staff:
        notify(
            event,
            to=person.email,
            language=person.language or "en",
            context={
                "watched": downtime.watched.partition(":")[2],
                "is_worker": downtime.watched.startswith("worker:"),
                "began_at": downtime.began_at,
                "ended_at": downtime.ended_at,
            },
            dedupe_key=f"{event}:{downtime.pk}:{person.pk}",
            person=person.pk,
        )
