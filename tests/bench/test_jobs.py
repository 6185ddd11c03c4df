"""How many empty jobs a second, and how soon after it was asked for, against django-q2's own ORM broker."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from jobs.services import enqueue
from tests.database import ROOT, Databases, as_system
from tests.factories.names import World
from tests.torture.harness import Worker, environment, quick_worker, running, wait_until
from tests.torture.test_line import flood

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True)]

COUNT = 3000
ROUNDS = 3
SAMPLES = 30
OURS = "SELECT count(*) FROM jobs_job WHERE kind = 'torture.nothing' AND state <> 'done'"
THEIRS = "SELECT count(*) FROM django_q_ormq"


def rate(databases: Databases, question: str, start: Callable[[], AbstractContextManager[Worker]]) -> float:
    """Jobs a second while the middle 80 percent are worked off, as a superuser counts what is left."""
    high, low = COUNT * 9 // 10, COUNT // 10
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:

        def left() -> int:
            row: Any = judge.execute(question).fetchone()
            return int(row[0])

        with start():
            wait_until(lambda: left() <= high, "work has begun", seconds=120)
            began, at_first = time.perf_counter(), left()
            wait_until(lambda: left() <= low, "most is done", seconds=300)
            took, at_last = time.perf_counter() - began, left()
            wait_until(lambda: left() == 0, "all is done", seconds=60)
    return (at_first - at_last) / took


def package_environment(databases: Databases, save_limit: int) -> dict[str, str]:
    """As the superuser: no runtime login may write the package's tables here."""
    dsn = databases.cluster.superuser_dsn(databases.name)
    return os.environ | {
        "DATABASE_URL": dsn,
        "WORKER_DATABASE_URL": dsn,
        "CERTAOS_PROCESS": "worker",
        "DJANGO_SETTINGS_MODULE": "tests.bench.package_settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "PYTHONUNBUFFERED": "1",
        "PACKAGE_SAVE_LIMIT": str(save_limit),
        "LOG_LEVEL": "WARNING",
    }


def package_rate(databases: Databases, folder: Path, save_limit: int) -> float:
    environ = package_environment(databases, save_limit)
    command = (sys.executable, "-m", "tests.bench.package")
    subprocess.run([*command, "enqueue", str(COUNT)], env=environ, cwd=ROOT, check=True, capture_output=True)
    return rate(databases, THEIRS, lambda: running((*command, "cluster"), environ, folder / "package.log"))


def our_rate(databases: Databases, world: World, folder: Path) -> float:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        judge.execute("DELETE FROM jobs_job WHERE kind = 'torture.nothing'")
    flood(databases, world.provider_a, COUNT)
    environ = environment(databases, world.worker, folder) | {"LOG_LEVEL": "WARNING"}
    return rate(databases, OURS, lambda: running(quick_worker(), environ, folder / "ours.log"))


@pytest.mark.parametrize(("save_limit", "what"), [(-1, "recording nothing"), (250, "as it comes, keeping 250 results")])
def test_a_job_from_enqueue_to_done(
    world: World, databases: Databases, tmp_path: Path, measured: Any, save_limit: int, what: str
) -> None:
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(package_rate(databases, tmp_path, save_limit))
        ours.append(our_rate(databases, world, tmp_path))
    mine, baseline = statistics.median(ours), statistics.median(theirs)
    measured(
        "Jobs", f"empty jobs a second against django-q2's ORM broker, {what}", mine / baseline, goal="≥ 1×",
        held=mine >= baseline, basis=f"{mine:.0f}/s against {baseline:.0f}/s, 2 processes each, {COUNT} jobs",
    )  # fmt: skip


def test_how_soon_an_idle_worker_begins(world: World, databases: Databases, tmp_path: Path, measured: Any) -> None:
    chance = random.Random(1)
    environ = environment(databases, world.worker, tmp_path)
    question = (
        "SELECT extract(epoch FROM finished_at - created_at) FROM jobs_job"
        " WHERE dedupe_key LIKE 'soon-%' AND state = 'done'"
    )
    with running(quick_worker(beat=10), environ, tmp_path / "log") as worker:
        wait_until(lambda: worker.said().count("job done") > 0, "the cluster works")
        for number in range(SAMPLES):
            time.sleep(chance.uniform(0.3, 0.8))
            with as_system():
                enqueue("torture.nothing", dedupe_key=f"soon-{number}")
        with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
            wait_until(lambda: len(judge.execute(question).fetchall()) == SAMPLES, "all are done")
            waits = sorted(float(row[0]) for row in judge.execute(question))
    middle, late = statistics.median(waits), waits[int(SAMPLES * 0.95)]
    measured(
        "Jobs", "seconds from enqueue to done, idle worker, median", f"{middle:.3f} s", goal="≤ 1 s", held=middle <= 1,
        basis=f"{SAMPLES} jobs, 95th percentile {late:.3f} s",
    )  # fmt: skip
