"""A cluster is replaced when it is silent, and only when its silence proves something."""

from __future__ import annotations

import datetime as dt

import pytest

from core import clock
from jobs.models import WorkerHeartbeat
from tasks.supervisor import Rhythm, Supervisor
from tests.database import as_system, role
from tests.factories.names import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why clusters were replaced."""
    found: list[str] = []
    monkeypatch.setattr(Supervisor, "_replace", lambda _self, why, **_detail: found.append(why))
    return found


@pytest.fixture
def watchdog(world: World, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Of a worker whose last heartbeat is a minute old, where forty seconds are too long."""
    monkeypatch.setattr(clock, "_behind", dt.timedelta())  # it follows the database; later tests must not
    found = Supervisor("one", ("true",), rhythm=Rhythm())
    found._started_at = found._excused_at = clock.now() - dt.timedelta(hours=1)
    with as_system():
        WorkerHeartbeat.objects.create(worker="one", beat_at=clock.now() - dt.timedelta(seconds=60))
    return found


def look(watchdog: Supervisor) -> None:
    with role("app_worker"):
        watchdog._watch()


def time_passes(watchdog: Supervisor, seconds: float) -> None:
    span = dt.timedelta(seconds=seconds)
    watchdog._excused_at -= span
    watchdog._watched_at -= span


def test_a_silent_cluster_is_replaced(watchdog: Supervisor, replaced: list[str]) -> None:
    look(watchdog)

    assert len(replaced) == 1


def test_a_cluster_that_was_busy_until_now_has_time_to_answer(watchdog: Supervisor, replaced: list[str]) -> None:
    watchdog._busy = 2
    look(watchdog)
    watchdog._busy = 0
    look(watchdog)
    for _ in range(3):
        time_passes(watchdog, 10)
        look(watchdog)
    assert replaced == []

    time_passes(watchdog, 12)
    look(watchdog)
    assert len(replaced) == 1


def test_silence_while_nobody_could_look_proves_nothing(watchdog: Supervisor, replaced: list[str]) -> None:
    """The database was away, or the machine asleep."""
    time_passes(watchdog, 300)
    look(watchdog)

    assert replaced == []
