"""Schedules under wrong clocks, days of 23 and 25 hours, stops, and lines that are broken."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import time_machine

from core import clock
from tasks import schedules
from tasks.schedules import Schedule, Scheduler
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)

ZONE = "America/New_York"
TABLE = (
    Schedule("test.often", kind="test.nothing", every=1800),
    Schedule("test.hourly", kind="test.nothing", cron="5 * * * *"),
    Schedule("test.morning", kind="test.nothing", cron="15 9 * * *", zone=ZONE),
)
# Noon before the clocks go forward, before they go back, and before an ordinary night.
DAYS = tuple(dt.datetime(2026, month, day, 12, tzinfo=clock.UTC) for month, day in ((3, 7), (10, 31), (6, 1)))
STOP = (dt.timedelta(hours=8), dt.timedelta(hours=14))
SKEW = dt.timedelta(minutes=5)
STEP = dt.timedelta(minutes=5)
Slots = Counter[tuple[str, dt.datetime]]


def should_fire(begin: dt.datetime) -> Slots:
    """What an almanac says for the 24 hours: minute by minute, without the product's arithmetic. Of what fell into the
    stop only the newest of each schedule is made good for."""
    minutes = [begin + dt.timedelta(minutes=number) for number in range(1, 24 * 60 + 1)]
    rules: dict[str, Callable[[dt.datetime], bool]] = {
        "test.often": lambda at: at.minute in (0, 30),
        "test.hourly": lambda at: at.minute == 5,
        "test.morning": lambda at: (at.astimezone(ZoneInfo(ZONE)).hour, at.minute) == (9, 15),
    }
    found: Slots = Counter()
    for name, fires in rules.items():
        slots = [at for at in minutes if fires(at)]
        missed = [at for at in slots if begin + STOP[0] < at <= begin + STOP[1] + SKEW]
        found.update((name, at) for at in slots if at not in missed[:-1])
    return found


def fired(databases: Databases) -> Slots:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        rows = judge.execute(
            "SELECT schedule, slot FROM jobs_scheduleslot WHERE schedule LIKE 'test.%' AND job_id IS NOT NULL"
        )
        return Counter((name, slot.astimezone(clock.UTC)) for name, slot in rows)


def live_through(begin: dt.datetime, *, skewed: tuple[dt.timedelta, ...] = (SKEW, -SKEW)) -> None:
    """24 hours of two workers with wrong clocks, both down for six of them."""
    workers = [(Scheduler(TABLE), skew) for skew in skewed]
    after_stop = begin + STOP[1]
    for number in range(24 * 12 + 2):
        moment = begin + number * STEP
        if begin + STOP[0] < moment < after_stop:
            continue
        for scheduler, skew in workers:
            at = min(moment + skew, begin + dt.timedelta(hours=24))
            if begin + STOP[0] < at < after_stop:
                continue
            with time_machine.travel(at, tick=False), as_system():
                scheduler.fire_due()


def forget(databases: Databases) -> None:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        judge.execute("DELETE FROM jobs_scheduleslot")
        judge.execute("DELETE FROM jobs_job WHERE kind = 'test.nothing'")


def wrong_slots(databases: Databases, begin: dt.datetime) -> int:
    """Slots that fired too often or not at all, inside the 24 hours."""
    wanted = should_fire(begin)
    seen: Slots = Counter({slot: times for slot, times in fired(databases).items() if slot[1] > begin})
    return sum((wanted - seen).values()) + sum((seen - wanted).values())


@pytest.mark.torture("D-08")
def test_each_slot_fires_once_under_wrong_clocks_and_changing_hours(
    world: World, databases: Databases, trial: Trial
) -> None:
    wrong = slots = 0
    for begin in DAYS[: trial.scale(fast=1, long=3)]:
        forget(databases)
        live_through(begin)
        wrong += wrong_slots(databases, begin)
        slots += len(should_fire(begin))
    trial.report(n=slots, violations=wrong, skew_seconds=SKEW.total_seconds())


@pytest.mark.control("D-08")
def test_slots_by_the_clock_on_the_wall_fire_wrongly_when_it_changes(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: local time taken for UTC, and nothing that makes a slot unique."""
    forget(databases)
    begin = DAYS[1]
    by_utc = Schedule._backwards

    def by_the_wall(schedule: Schedule, now: dt.datetime) -> Any:
        wall = now.astimezone(ZoneInfo(ZONE)).replace(tzinfo=clock.UTC)
        return by_utc(schedule, wall)

    monkeypatch.setattr(Schedule, "_backwards", by_the_wall)
    live_through(begin)

    assert wrong_slots(databases, begin) > 0


class Broken(Schedule):
    """A line of the table that cannot be read."""

    def slots(self, now: dt.datetime) -> list[dt.datetime]:
        raise ValueError("malformed")


def missed(databases: Databases) -> int:
    """How many of the good schedules did not fire beside a broken one."""
    forget(databases)
    table = (Broken("test.broken", kind="test.nothing", every=60), *TABLE)
    afternoon = DAYS[2] + dt.timedelta(hours=2)
    with time_machine.travel(afternoon, tick=False), as_system():
        scheduler = Scheduler(table)
        for _ in range(3):
            scheduler.fire_due()
    return len(TABLE) - len({name for name, _ in fired(databases)})


@pytest.mark.torture("D-05")
def test_a_broken_schedule_stops_no_other_and_raises_one_alarm(
    world: World, databases: Databases, trial: Trial
) -> None:
    late = missed(databases)
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        found = judge.execute(
            "SELECT count(*) FROM audit_systemevent WHERE source = 'schedules' AND level = 'error'"
            " AND summary LIKE '%test.broken%'"
        ).fetchone()
    trial.report(n=len(TABLE), violations=late + abs((found or (0,))[0] - 1))


@pytest.mark.control("D-05")
def test_one_transaction_for_all_would_stop_them_all(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake of the queue's package: the batch stands or falls together."""

    def all_together(scheduler: Scheduler) -> list[str]:
        due = []
        try:
            due = [(schedule, slot) for schedule in scheduler.table for slot in schedule.slots(clock.now())]
        except ValueError:
            return []
        return [schedule.name for schedule, slot in due if schedules._fire(schedule, slot)]

    monkeypatch.setattr(Scheduler, "fire_due", all_together)

    assert missed(databases) == len(TABLE)
