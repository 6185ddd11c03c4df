"""D-17: heartbeat floods, parallel tabs, replays, client clocks and long gaps gain not one second.

The server's clock stands while the calls rain down, so what may be gained in a round is known exactly. The judge reads
the tables as superuser.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import time_machine
from django.db import connections
from django.test import Client

from core import clock
from core.context import Actor, acting
from courses import ledger
from courses.models import CourseSession
from courses.services import beat, begin_course
from enrollments.models import Enrollment
from organizations.actors import load_actor
from tests.database import as_system
from tests.trials import Trial
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8
CALLS_PER_ROUND = 20
GAPS = (0, 1, 30, 59, 60, 61, 119, 120, 121, 600)
URL = "/api/course/heartbeat"
LONG_AGO = {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"}
Beat = Callable[[Enrollment], Any]


def trusting_beat(enrollment: Enrollment) -> None:
    """The control: a heartbeat that believes the sixty seconds its caller claims."""
    session = CourseSession.objects.locked().get(enrollment=enrollment)
    ledger.credit(session, clock.now(), 60)
    session.last_seen_at = clock.now()
    session.save(update_fields=(*ledger.SESSION_COLUMNS, "last_seen_at"))


def earned(gap: int) -> int:
    """What a gap of so many seconds may add, however often it is reported."""
    return min(gap, 60) if gap <= 120 else 0


class Tabs:
    """Eight tabs of one person, each with a database connection of its own."""

    def __init__(self, actor: Actor, enrollment: Enrollment) -> None:
        self.actor, self.enrollment = actor, enrollment
        self.pool = ThreadPoolExecutor(THREADS)

    def pound(self, call: Beat) -> None:
        """Twenty heartbeats at once."""
        for done in [self.pool.submit(self._one, call) for _ in range(CALLS_PER_ROUND)]:
            done.result()

    def seen_at(self, moment: dt.datetime) -> None:
        """Put the person's last sign of life exactly here."""
        with acting(self.actor):
            CourseSession.objects.filter(enrollment=self.enrollment).update(last_seen_at=moment)

    def _one(self, call: Beat) -> None:
        with acting(self.actor):
            call(self.enrollment)

    def close(self) -> None:
        for done in [self.pool.submit(self._leave) for _ in range(THREADS * 4)]:
            done.result()
        self.pool.shutdown()

    @staticmethod
    def _leave() -> None:
        connections.close_all()
        time.sleep(0.01)


@pytest.fixture
def tabs(world: Any, databases: Any) -> Any:
    with as_system():
        user, actor = world.spouse_user_a, load_actor(world.spouse_user_a)
    with acting(actor):
        enrollment = Enrollment.objects.select_related("client").get(pk=world.spouse_enrollment_a.pk)
        begin_course(enrollment, user)
    found = Tabs(actor, enrollment)
    yield found
    found.close()


def judge(databases: Any, enrollment: Enrollment) -> tuple[int, int, int]:
    """Total, sum of the ledger with its open minute, and the most any minute holds: read past every net."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as connection:
        row = connection.execute(
            "SELECT s.total_seconds, s.open_seconds + coalesce(sum(m.seconds), 0), coalesce(max(m.seconds), 0)"
            " FROM courses_coursesession s LEFT JOIN courses_timeledgerminute m ON m.session_id = s.id"
            " WHERE s.enrollment_id = %s GROUP BY s.id",
            [enrollment.pk],
        ).fetchone()
    return row[0], int(row[1]), row[2]


def gained(databases: Any, tabs: Tabs, call: Beat) -> int:
    """Seconds beyond what the clock allows after every gap was reported twenty times by eight tabs."""
    start = clock.now()
    before = judge(databases, tabs.enrollment)[0]
    allowed, overfull = before, 0
    with time_machine.travel(start, tick=False) as traveller:
        tabs.seen_at(start)
        for gap in GAPS:
            traveller.shift(gap)
            tabs.pound(call)
            allowed += earned(gap)
            total, in_ledger, fullest = judge(databases, tabs.enrollment)
            overfull += int(total != in_ledger) + int(fullest > 60)
    return abs(total - allowed) + overfull


@pytest.mark.torture("D-17")
def test_a_flood_from_eight_tabs_gains_nothing(databases: Any, tabs: Tabs, trial: Trial) -> None:
    """200 heartbeats over gaps from 0 to 600 seconds."""
    violations = gained(databases, tabs, beat)

    with acting(tabs.actor):
        assert ledger.verify_ledger(CourseSession.objects.get(enrollment=tabs.enrollment)) is None
    trial.report(attack="flood", n=CALLS_PER_ROUND * len(GAPS), threads=THREADS, violations=violations)


@pytest.mark.control("D-17")
def test_a_heartbeat_that_trusts_its_caller_is_caught(databases: Any, tabs: Tabs) -> None:
    """The control of the flood: the same judge sees the stolen time."""
    assert gained(databases, tabs, trusting_beat) > 5_000


@pytest.mark.torture("D-17")
def test_replayed_requests_with_made_up_clocks_gain_nothing(
    databases: Any, tabs: Tabs, world: Any, trial: Trial
) -> None:
    """Two signed-in devices, each body sent over and over, each with other lies about time."""
    bodies = [
        {"seconds": 10_000},
        {"total_seconds": 7200, "idle_seconds": 0},
        {"now": "2020-01-01T00:00:00Z", "last_seen_at": "2020-01-01T00:00:00Z"},
        {"elapsed": -1, "paused_at": None},
    ]
    devices = [sign_in(Client(), world.spouse_user_a) for _ in range(2)]
    start = clock.now()
    statuses: list[int] = []
    with time_machine.travel(start, tick=False) as traveller:
        tabs.seen_at(start)
        for gap in (30, 30, 121):
            traveller.shift(gap)
            for body in bodies * 3:
                for device in devices:
                    sent = {"enrollment": str(tabs.enrollment.pk), **body}
                    headers = {"Date": "Wed, 01 Jan 2020 00:00:00 GMT"}
                    answer = device.post(
                        "/api/course/heartbeat", sent, content_type="application/json", headers=headers
                    )
                    statuses.append(answer.status_code)

    total, in_ledger, _fullest = judge(databases, tabs.enrollment)
    assert (total, in_ledger, set(statuses) - {200, 429}) == (60, 60, set())
    trial.report(attack="replay", n=len(statuses), refused=statuses.count(429), violations=abs(total - 60))


@pytest.mark.torture("D-17")
def test_the_hour_is_never_reached_early(databases: Any, tabs: Tabs, trial: Trial) -> None:
    """Heartbeats at random moments: verified time never runs ahead of the clock, and the gate never of the hour."""
    chance, start = trial.random, clock.now()
    early = beats = total = 0
    with time_machine.travel(start, tick=False) as traveller, acting(tabs.actor):
        tabs.seen_at(start)
        while total < 3600:
            traveller.shift(dt.timedelta(seconds=chance.choice([0.01, 0.99, 7.3, 29.97, 30.2, 58.9])))
            total = beat(tabs.enrollment).total_seconds
            beats += 1
            early += int(total > (clock.now() - start).total_seconds())
        lag = (clock.now() - start).total_seconds() - total

    assert 0 <= lag < 1
    trial.report(attack="early", n=beats, violations=early, lag_seconds=round(lag, 2))
