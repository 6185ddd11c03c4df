"""The table of schedules: which slots, once each, and what happens after a stop."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from core import clock
from jobs.models import Job, ScheduleSlot
from tasks.schedules import SCHEDULES, Schedule, Scheduler
from tests.database import as_system, role
from tests.factories.names import World

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=clock.UTC)
MINUTE = Schedule("test.minute", kind="files.purge", every=60)


def at(hour: int, minute: int = 0, second: int = 0) -> dt.datetime:
    return NOON.replace(hour=hour, minute=minute, second=second)


def fire(table: tuple[Schedule, ...], moment: dt.datetime, scheduler: Scheduler | None = None) -> list[str]:
    with time_machine.travel(moment, tick=False), role("app_worker"):
        return (scheduler or Scheduler(table)).fire_due()


def slots(name: str) -> list[dt.datetime]:
    with as_system():
        return list(ScheduleSlot.objects.filter(schedule=name).order_by("slot").values_list("slot", flat=True))


@pytest.mark.django_db
def test_each_slot_fires_one_job_however_many_workers_look(world: World) -> None:
    """D-08: two schedulers that know nothing of each other."""
    first, second = Scheduler((MINUTE,)), Scheduler((MINUTE,))
    fired = [
        fire((MINUTE,), NOON + dt.timedelta(seconds=seconds), scheduler)
        for seconds in range(0, 180, 15)
        for scheduler in (first, second)
    ]

    assert [names for names in fired if names] == [["test.minute"]] * 3
    assert slots("test.minute") == [at(12), at(12, 1), at(12, 2)]
    with as_system():
        assert Job.objects.filter(dedupe_key__startswith="schedule:test.minute:").count() == 3


@pytest.mark.django_db
def test_after_a_stop_only_the_latest_slot_is_made_good_for(world: World) -> None:
    fire((MINUTE,), NOON)
    fire((MINUTE,), at(15, 30, 20))

    assert slots("test.minute") == [at(12), at(15, 30)]


@pytest.mark.django_db
def test_a_schedule_may_make_good_for_more_and_never_for_what_is_too_old(world: World) -> None:
    hourly = Schedule("test.hourly", kind="files.purge", cron="0 * * * *", catch_up=3, grace=dt.timedelta(hours=2))
    fire((hourly,), NOON)
    fire((hourly,), at(17, 30))

    assert slots("test.hourly") == [at(10), at(11), at(12), at(16), at(17)]


def test_a_moment_that_is_a_slot_counts_and_one_before_it_does_not() -> None:
    daily = Schedule("test.daily", kind="files.purge", cron="0 12 * * *")

    assert daily.slots(NOON) == [NOON]
    assert daily.slots(NOON - dt.timedelta(milliseconds=1)) == []


def test_a_cron_of_a_zone_keeps_its_hour_over_the_change_of_clocks() -> None:
    daily = Schedule(
        "test.local", kind="files.purge", cron="0 7 * * *", zone="America/New_York", grace=dt.timedelta(days=1)
    )

    winter, summer = dt.datetime(2026, 3, 7, 20, tzinfo=clock.UTC), dt.datetime(2026, 3, 8, 20, tzinfo=clock.UTC)
    assert [daily.slots(day)[0].hour for day in (winter, summer)] == [12, 11]


@pytest.mark.parametrize("fields", [{}, {"every": 60, "cron": "* * * * *"}, {"every": -1}, {"cron": "every day"}])
def test_a_line_without_a_clear_time_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"test\.wrong"):
        Schedule("test.wrong", kind="files.purge", **fields)  # type: ignore[arg-type]  # -- the wrong ones are meant


def test_names_are_unique() -> None:
    names = [schedule.name for schedule in SCHEDULES]

    assert len(names) == len(set(names))
