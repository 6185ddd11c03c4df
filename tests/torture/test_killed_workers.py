"""Workers die at any moment; nothing is lost, nothing happens twice, numbers stay gapless."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.models import SystemEvent
from core import clock
from jobs.models import Job, WorkerHeartbeat
from jobs.services import enqueue
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.torture.harness import Worker, environment, is_alive, quick_worker, running, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]

NUMBER = "torture.number"
POISON = "torture.poison"


def ask(count: int, kind: str = NUMBER) -> set[str]:
    with as_system():
        return {str(enqueue(kind, dedupe_key=f"{kind}-{clock.now()}-{index}").pk) for index in range(count)}


def left(kind: str = NUMBER) -> int:
    with as_system():
        return Job.objects.open().filter(kind=kind).count()


def effects() -> list[tuple[str, int]]:
    """For each effect, the job that had it and the number it took."""
    with as_system():
        rows = SystemEvent.objects.filter(source="torture").values_list("detail__job", "summary")
        return sorted(((job, int(number)) for job, number in rows), key=lambda row: row[1])


def works() -> bool:
    """Whether a heartbeat went through just now."""
    with as_system():
        return WorkerHeartbeat.objects.filter(
            worker="test", beat_at__gt=clock.now() - dt.timedelta(seconds=1.5)
        ).exists()


def kill_while_working(worker: Worker, kills: int, *, pause: float, enough: Callable[[], bool] = lambda: False) -> int:
    """kill -9 one process after another, whenever the cluster works and has work; returns how many died."""
    died = 0
    while died < kills and left() and not enough():
        died += works() and worker.kill_one(random)
        time.sleep(pause)
    return died


def test_thirty_kills_lose_nothing_and_double_nothing(world: World, databases: Databases, tmp_path: Path) -> None:
    """D-01, short form."""
    jobs = ask(300)
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker(), environ, tmp_path / "log") as worker:
        wait_until(works, "the cluster works")
        died = kill_while_working(worker, 30, pause=0.4)
        wait_until(lambda: left() == 0, "all jobs are done")

    found = effects()
    assert died == 30
    assert {job for job, _ in found} == jobs
    assert [number for _, number in found] == list(range(1, 301))


def test_the_same_kills_double_effects_when_done_is_committed_apart(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """The control of the test above: it would notice."""
    ask(300)
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker("--split"), environ, tmp_path / "log") as worker:
        wait_until(works, "the cluster works")
        kill_while_working(worker, 60, pause=0.7, enough=some_effect_happened_twice)

    assert some_effect_happened_twice()


def some_effect_happened_twice() -> bool:
    found = effects()
    return len(found) > len({job for job, _ in found})


def test_work_moves_again_after_processes_died_or_hung(world: World, databases: Databases, tmp_path: Path) -> None:
    """D-02, D-03, short form: an idle process and the monitor are killed; then the whole cluster stands still."""
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker(), environ, tmp_path / "log") as worker:
        for words in ("ready for work at", "monitoring at"):
            wait_until(works, "the cluster works")
            os.kill(worker.pids(words)[0], signal.SIGKILL)
            ask(4)
            wait_until(lambda: left() == 0, f"work moves again after a kill of the process {words}")
        clusters = len(worker.leaders())
        os.killpg(worker.leaders()[-1], signal.SIGSTOP)
        ask(4)
        wait_until(lambda: left() == 0, "another cluster does the work")
        assert len(worker.leaders()) > clusters

    with as_system():
        assert SystemEvent.objects.filter(source="jobs", level="error", summary__contains="was replaced").exists()
    assert len(effects()) == 12


def test_a_task_that_kills_its_worker_is_parked_and_good_work_goes_on(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """D-04, short form."""
    environ = environment(databases, world.worker, tmp_path)
    with as_system():
        poison = enqueue(POISON, dedupe_key="poison")
    good = ask(20)

    with running(quick_worker(), environ, tmp_path / "log"):
        wait_until(lambda: left(POISON) + left() == 0, "poison parked and good work done")

    with as_system():
        poison.refresh_from_db()
        alarms = SystemEvent.objects.filter(level="error", detail__job=str(poison.pk)).count()
    assert (poison.state, poison.attempts, alarms) == ("parked", 2, 1)
    assert poison.last_error == "The worker died during the last attempt."
    assert {job for job, _ in effects()} == good


def test_queued_work_survives_a_new_secret_key(world: World, databases: Databases, tmp_path: Path) -> None:
    """D-07, short form; without the sweep the queue throws everything away."""
    jobs = ask(8)
    environ = environment(databases, world.worker, tmp_path) | {"SECRET_KEY": "a wholly new key " * 4}

    with running(quick_worker(sweep=1000), environ, tmp_path / "log") as worker:
        wait_until(lambda: worker.said().count("Failed to push task to queue") == 8, "the old signatures are refused")
        assert (left(), effects()) == (8, [])
    with running(quick_worker(), environ, tmp_path / "log"):
        wait_until(lambda: left() == 0, "the sweep brings the work back")

    assert {job for job, _ in effects()} == jobs


def test_a_worker_stops_when_asked_and_leaves_no_process(world: World, databases: Databases, tmp_path: Path) -> None:
    """The command itself, in its own rhythm: its first heartbeat comes at once, and one SIGTERM is enough."""
    environ = environment(databases, world.worker, tmp_path)
    command = (sys.executable, "manage.py", "worker", "--name", "test")

    with running(command, environ, tmp_path / "log") as worker:
        wait_until(works, "the cluster works")
        words = ("ready for work at", "monitoring at", "pushing tasks at")
        pids = [*worker.leaders(), *(pid for each in words for pid in worker.pids(each))]
        worker.process.terminate()
        code = worker.process.wait(timeout=20)

    assert (code, len(pids)) == (0, 5)
    assert [pid for pid in pids if is_alive(pid)] == []
    assert "kills its cluster" not in worker.said()
