"""Everything at once for long: people on the site, work in the queue, and every half minute something breaks."""

from __future__ import annotations

import os
import re
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.database import Databases
from tests.factories.names import World
from tests.torture.harness import environment, quick_worker, running
from tests.torture.load import Load, people
from tests.torture.own_cluster import OwnCluster, own_cluster
from tests.torture.test_crashes import broken, kill_a_backend, lost, sit_on_every_connection, web
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("soak")]
ASK = """
INSERT INTO jobs_job (id, created_at, updated_at, kind, subject_type, subject_id, dedupe_key, params, state, attempts,
    max_attempts, not_before, last_error, result, correlation_id)
SELECT gen_random_uuid(), now(), now(), 'torture.number', '', '', 'soak-' || gen_random_uuid(), '{}', 'ready', 0, 100,
    now(), '', '', '' FROM generate_series(1, %s)
"""
EFFECTS = "SELECT count(*) FROM audit_systemevent WHERE source = 'torture'"
DISTINCT = "SELECT count(DISTINCT detail->>'job') FROM audit_systemevent WHERE source = 'torture'"
OPEN = "SELECT count(*) FROM jobs_job WHERE kind = 'torture.number' AND state IN ('ready', 'running')"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, 'app_')"


class Stage:
    """The product at work, and the ways to hurt it."""

    def __init__(self, cluster: OwnCluster, load: Load, worker: Any, trial: Trial) -> None:
        self.cluster, self.load, self.worker, self.trial = cluster, load, worker, trial
        self.asked = 0

    def ask_for_work(self, count: int = 10) -> None:
        with suppress(psycopg.Error), psycopg.connect(self.cluster.cluster.superuser_dsn(self.cluster.name)) as hand:
            hand.execute(ASK, [count])
            hand.commit()
            self.asked += count

    def stop_the_database(self) -> None:
        self.cluster.crash(self.trial.random.choice((signal.SIGQUIT, signal.SIGKILL)))
        time.sleep(self.trial.random.uniform(0, 1))
        self.cluster.start()

    def kill_a_backend(self) -> None:
        kill_a_backend(self.cluster)

    def take_every_connection(self) -> None:
        sitting = sit_on_every_connection(self.cluster, 250)
        time.sleep(1)
        for connection in sitting:
            connection.close()

    def kill_a_worker_process(self) -> None:
        self.worker.kill_one(self.trial.random)

    def hold_a_lock(self) -> None:
        with psycopg.connect(self.cluster.cluster.superuser_dsn(self.cluster.name)) as hand:
            hand.execute("LOCK TABLE audit_audithead IN ACCESS EXCLUSIVE MODE")
            time.sleep(1.5)

    def faults(self) -> list[Callable[[], None]]:
        return [
            self.stop_the_database, self.kill_a_backend, self.take_every_connection, self.kill_a_worker_process,
            self.hold_a_lock,
        ]  # fmt: skip


@contextmanager
def stage(databases: Databases, world: World, trial: Trial) -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(own_cluster(databases))
        environ = environment(cluster, world.worker, folder)  # type: ignore[arg-type]  # -- gives connection strings alike
        worker = stack.enter_context(running(quick_worker(), environ, folder / "worker.log"))
        base = stack.enter_context(web(cluster))
        load = stack.enter_context(people(base, trial.seed, trial.scale(fast=6, long=10)))
        yield Stage(cluster, load, worker, trial)


def megabytes(command: str) -> float:
    """The memory of all living processes of ours that run `command`."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (path / "cmdline").read_text().replace("\0", " ")
            parent = re.search(r"PPid:\s+(\d+)", (path / "status").read_text())
            if command in words and parent and int(parent[1]) in (os.getpid(), *children_of(os.getpid())):
                found = re.search(r"VmRSS:\s+(\d+)", (path / "status").read_text())
                total += int(found[1]) / 1024 if found else 0
    return total


def children_of(pid: int) -> list[int]:
    text = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(word) for word in text.split()]


@pytest.mark.torture("Q-13")
def test_hours_of_mixed_load_with_faults_leave_no_trace(databases: Databases, world: World, trial: Trial) -> None:
    """20 minutes, a fault every 30 seconds; in the suite 20 seconds and a fault every four."""
    lasts, pause = trial.scale(fast=20, long=1200), trial.scale(fast=4, long=30)
    memory, held, hurt, violations = [], [], [], 0
    with stage(databases, world, trial) as on:
        began = time.monotonic()
        while time.monotonic() < began + lasts:
            on.ask_for_work()
            time.sleep(pause)
            fault = trial.random.choice(on.faults())
            hurt.append(fault.__name__)
            fault()
            on.load.wait_for_answers(40)
            violations += lost(on.cluster, on.load) + broken(on.cluster)
            memory.append(megabytes("gunicorn"))
            held.append(on.cluster.one(CONNECTIONS))
        violations += until_quiet(on)
        told = dict(on.load.told)
        violations += on.load.told[500] + on.load.without_hint
    half = len(memory) // 2
    growth = statistics.median(memory[half:]) - statistics.median(memory[: half or 1])
    assert growth < 60
    assert max(held) <= 60
    trial.report(
        n=len(hurt), violations=violations, faults=sorted(set(hurt)), told=told, jobs=on.asked,
        web_megabytes=round(memory[-1]), growth_megabytes=round(growth, 1), most_connections=max(held),
    )  # fmt: skip


def until_quiet(on: Stage) -> int:
    """Wait until the queue is empty; effects that are missing or happened twice."""
    deadline = time.monotonic() + 120
    while on.cluster.one(OPEN) and time.monotonic() < deadline:
        time.sleep(0.3)
    effects, different = on.cluster.one(EFFECTS), on.cluster.one(DISTINCT)
    return int(abs(effects - on.asked) + (effects - different))
