"""OPS-A03: what should happen regularly and does not is noticed, once, and so is its return."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from audit.models import SystemEvent
from core import clock
from jobs.models import Downtime, Job, ScheduleSlot, WorkerHeartbeat
from jobs.vitality import Vitality
from notifications.models import Message
from tasks.schedules import Schedule, Scheduler
from tasks.vitals import NO_WORKER, vitals, watch
from tests.database import as_system
from tests.factories.names import World
from tests.work import run_due

pytestmark = pytest.mark.django_db

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=clock.UTC)
TABLE = (
    Schedule("test.often", kind="files.purge", every=300),
    Schedule("test.nightly", kind="audit.anchor", cron="0 3 * * *"),
)


@pytest.fixture(autouse=True)
def nothing_yet(world: World) -> None:
    with as_system():
        for model in (Downtime, ScheduleSlot, WorkerHeartbeat, Job):
            model.objects.all().delete()


def states() -> dict[str, Vitality]:
    with as_system():
        return {vital.watched: vital.state for vital in vitals(TABLE)}


def look() -> list[str]:
    with as_system():
        return watch(TABLE)


def test_a_schedule_is_judged_by_work_that_was_done(world: World) -> None:
    with time_machine.travel(NOON, tick=False) as travel:
        assert states()["schedule:test.often"] == Vitality.NEW
        with as_system():
            Scheduler(TABLE).fire_due()
        run_due("files.purge")
        seen = []
        for minutes in (4, 4, 3):
            travel.shift(dt.timedelta(minutes=minutes))
            with as_system():
                Scheduler(TABLE).fire_due()  # fires on and on; nobody does the work
            seen.append(states()["schedule:test.often"])
        run_due("files.purge")
        seen.append(states()["schedule:test.often"])

    assert seen == [Vitality.OK, Vitality.LATE, Vitality.DOWN, Vitality.OK]


def test_going_down_and_coming_back_is_told_once(world: World) -> None:
    with time_machine.travel(NOON, tick=False) as travel:
        with as_system():
            Scheduler(TABLE[:1]).fire_due()
            WorkerHeartbeat.objects.create(worker="one", beat_at=NOON + dt.timedelta(minutes=40))
        travel.shift(dt.timedelta(minutes=20))
        changes = [look(), look()]
        travel.shift(dt.timedelta(minutes=5))
        with as_system():
            Scheduler(TABLE[:1]).fire_due()
        run_due("files.purge")
        changes += [look(), look()]

    with as_system():
        (downtime,) = Downtime.objects.all()
        mails = list(Message.objects.filter(event__startswith="ops.vital").values_list("event", "to"))
        notes = list(SystemEvent.objects.filter(source="vitals").values_list("level", "summary"))
    assert changes == [["schedule:test.often"], [], ["schedule:test.often"], []]
    assert (downtime.began_at, downtime.ended_at) == (NOON, NOON + dt.timedelta(minutes=25))
    staff = {world.platform_admin.email, world.platform_support.email}
    assert {to for event, to in mails if event == "ops.vital.down"} == staff
    assert {to for event, to in mails if event == "ops.vital.up"} == staff
    assert len(mails) == 4
    assert sorted(notes) == [("error", "schedule:test.often is down."), ("info", "schedule:test.often is up again.")]


def test_a_silent_worker_goes_late_and_down_and_no_worker_at_all_is_down(world: World) -> None:
    found: list[Any] = []
    with time_machine.travel(NOON, tick=False) as travel:
        found.append(states().get(NO_WORKER))
        with as_system():
            WorkerHeartbeat.objects.create(worker="one", beat_at=NOON)
        for seconds in (30, 60, 120):
            travel.shift(dt.timedelta(seconds=seconds))
            found.append(states()["worker:one"])

    assert found == [Vitality.DOWN, Vitality.OK, Vitality.LATE, Vitality.DOWN]
