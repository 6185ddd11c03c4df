"""The database stops under working workers; worker and web are restarted under load."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from jobs.services import enqueue
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.processes import web_server
from tests.torture.harness import environment, quick_worker, running, wait_until
from tests.torture.own_cluster import OwnCluster, own_cluster
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]

NUMBER = "torture.number"
LEFT = "SELECT count(*) FROM jobs_job WHERE kind = 'torture.number' AND state <> 'done'"
DOUBLED = "SELECT count(*) - count(DISTINCT detail->>'job') FROM audit_systemevent WHERE source = 'torture'"
GAPS = "SELECT count(*) - coalesce(max(summary::int), 0) FROM audit_systemevent WHERE source = 'torture'"
DONE = "SELECT count(DISTINCT detail->>'job') FROM audit_systemevent WHERE source = 'torture'"


def ask(count: int) -> None:
    with as_system():
        for number in range(count):
            enqueue(NUMBER, dedupe_key=f"restart-{number}")


def effects_wrong(cluster: OwnCluster, count: int) -> int:
    """Doubled, missing and out of line, as the superuser counts them."""
    return int(cluster.one(DOUBLED)) + abs(int(cluster.one(GAPS))) + abs(int(cluster.one(DONE)) - count)


@pytest.mark.torture("D-10", long=True)  # -- a PostgreSQL of its own
def test_work_drains_through_restarts_of_the_database(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    count, restarts = 1500, 20
    ask(count)
    with own_cluster(databases) as cluster:
        environ = environment(cluster, world.worker, tmp_path)  # type: ignore[arg-type]  # -- it looks like one
        with running(quick_worker(), environ, tmp_path / "log"):
            wait_until(lambda: cluster.one(LEFT) < count, "the work has begun")
            done = 0
            for _ in range(restarts):
                time.sleep(trial.random.uniform(0.2, 1.5))
                cluster.crash()
                cluster.start()
                done += 1
            wait_until(lambda: cluster.one(LEFT) == 0, "the backlog drains", seconds=180)
        wrong = effects_wrong(cluster, count)
    trial.report(n=count, violations=wrong, restarts=done)


class Balancer:
    """Where the next request goes: to whichever server is up. What a load balancer does, in one word."""

    def __init__(self) -> None:
        self.base = ""
        self.sent = self.failed = 0
        self._stop = threading.Event()

    def keep_asking(self) -> None:
        while not self._stop.is_set():
            self.sent += 1
            try:
                with urllib.request.urlopen(f"{self.base}/certificates/verify", timeout=15) as answer:  # noqa: S310 -- loopback
                    self.failed += answer.status != 200
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                self.failed += 1
            self._stop.wait(0.05)

    def stop(self) -> None:
        self._stop.set()


def roll(
    databases: Databases, world: World, folder: Path, rounds: int, *, abruptly: bool = False
) -> tuple[Balancer, int]:
    """Start the next web server and worker, send people there, stop the last ones; (what people saw, slow stops)."""
    balancer, slow = Balancer(), 0
    people = [threading.Thread(target=balancer.keep_asking) for _ in range(4)]
    with ExitStack() as last:
        balancer.base = last.enter_context(web_server(databases, _folder(folder, "0")))
        _start_worker(last, databases, world, folder, 0)
        for person in people:
            person.start()
        try:
            for number in range(1, rounds + 1):
                coming = ExitStack()
                base = coming.enter_context(web_server(databases, _folder(folder, str(number))))
                _start_worker(coming, databases, world, folder, number)
                if abruptly:
                    last.close()
                    time.sleep(0.3)
                balancer.base = base
                time.sleep(0.5)
                began = time.monotonic()
                last.close()
                slow += time.monotonic() - began > 35
                last.callback(coming.pop_all().close)
        finally:
            balancer.stop()
            for person in people:
                person.join()
    return balancer, slow


def _folder(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def _start_worker(stack: ExitStack, databases: Databases, world: World, folder: Path, number: int) -> None:
    environ = environment(databases, world.worker, folder)
    stack.enter_context(running(quick_worker(), environ, folder / f"worker-{number}.log"))


def effects(databases: Databases, question: str) -> int:
    import psycopg  # noqa: PLC0415 -- the judge's own connection

    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as judge:
        row: Any = judge.execute(question).fetchone()
    return int(row[0])


@pytest.mark.torture("D-11", long=True)  # -- a web and a worker are started for each round
def test_a_rolling_restart_fails_no_request_and_doubles_no_job(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    rounds, count = 12, 2000
    ask(count)
    balancer, slow = roll(databases, world, tmp_path, rounds)
    with running(quick_worker(), environment(databases, world.worker, tmp_path), tmp_path / "rest.log"):
        wait_until(lambda: effects(databases, LEFT) == 0, "the backlog drains", seconds=120)
    doubled = effects(databases, DOUBLED) + abs(effects(databases, GAPS))
    trial.report(n=balancer.sent, violations=balancer.failed + doubled + slow, rounds=rounds, jobs=count)


@pytest.mark.torture("D-11", long=True)
@pytest.mark.control("D-11")
def test_stopping_the_last_server_before_people_were_sent_on_fails_some(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    with suppress(AssertionError):
        balancer, _slow = roll(databases, world, tmp_path, 1, abruptly=True)
    assert balancer.failed > 0
