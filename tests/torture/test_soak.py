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

import psycopg
import pytest

from tests.database import Databases
from tests.factories.names import World
from tests.torture.harness import Worker, environment, quick_worker, running
from tests.torture.load import Load, people
from tests.torture.own_cluster import OwnCluster, own_cluster
from tests.torture.test_crashes import broken, kill_a_backend, lost, sit_on_every_connection, web
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("soak")]
ASK = """
INSERT INTO jobs_job (id, created_at, updated_at, kind, subject_type, subject_id, dedupe_key, params, state, attempts,
    max_attempts, not_before, last_error, result, correlation_id, holder, queue)
SELECT gen_random_uuid(), now(), now(), 'torture.number', '', '', 'soak-' || gen_random_uuid(), '{}', 'ready', 0, 100,
    now(), '', '', '', '', '' FROM generate_series(1, %s)
"""
EFFECTS = "SELECT count(*) FROM audit_systemevent WHERE source = 'torture'"
DISTINCT = "SELECT count(DISTINCT detail->>'job') FROM audit_systemevent WHERE source = 'torture'"
OPEN = "SELECT count(*) FROM jobs_job WHERE kind = 'torture.number' AND state IN ('ready', 'running')"
OLDEST = """
SELECT coalesce(extract(epoch FROM now() - min(not_before)), 0) FROM jobs_job
WHERE state IN ('ready', 'running') AND not_before <= now() AND queue = ''
"""
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, 'app_')"
MOST_CONNECTIONS = 60
MAY_RISE = {
    "web_megabytes": 60, "worker_megabytes": 60, "connections": 10, "temporary_files": 0, "oldest_job_seconds": 10,
}  # fmt: skip
FEWEST_LOOKS = 8
LONG_SECONDS = int(os.environ.get("CERTAOS_SOAK_SECONDS", "1200"))


class Stage:
    """The product at work, and the ways to hurt it."""

    def __init__(self, cluster: OwnCluster, load: Load, worker: Worker, trial: Trial, temporary: Path) -> None:
        self.cluster, self.load, self.worker, self.trial, self.temporary = cluster, load, worker, trial, temporary
        self.asked = 0

    def ask_for_work(self, count: int = 10) -> None:
        with suppress(psycopg.OperationalError), self.by_hand() as hand:
            hand.execute(ASK, [count])
            hand.commit()
            self.asked += count

    def by_hand(self) -> psycopg.Connection:
        return psycopg.connect(self.cluster.cluster.superuser_dsn(self.cluster.name))

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
        with self.by_hand() as hand:
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
        temporary = folder / "tmp"
        temporary.mkdir()
        environ = environment(cluster, world.worker, folder)  # type: ignore[arg-type]  # -- gives connection strings alike
        environ |= {"TMPDIR": str(temporary)}
        worker = stack.enter_context(running(quick_worker(), environ, folder / "worker.log"))
        base = stack.enter_context(web(cluster, TMPDIR=str(temporary)))
        load = stack.enter_context(people(base, trial.seed, trial.scale(fast=6, long=10)))
        yield Stage(cluster, load, worker, trial, temporary)


def look(on: Stage) -> dict[str, float]:
    """What must not grow, as it is now."""
    return {
        "web_megabytes": megabytes("gunicorn"),
        "worker_megabytes": megabytes("tests.torture", "qcluster"),
        "connections": float(on.cluster.one(CONNECTIONS)),
        "temporary_files": float(sum(path.is_file() for path in on.temporary.rglob("*"))),
        "oldest_job_seconds": float(on.cluster.one(OLDEST)),
    }


def megabytes(*commands: str) -> float:
    """The memory of all living processes of this test that run one of these commands."""
    total = 0.0
    for pid in descendants(os.getpid()):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            total += int(found[1]) / 1024 if found and any(command in words for command in commands) else 0
    return total


def descendants(pid: int) -> list[int]:
    with suppress(OSError):
        text = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
        return [found for child in map(int, text.split()) for found in (child, *descendants(child))]
    return []


def grown(looks: list[dict[str, float]]) -> dict[str, float]:
    """By how much each figure's median rose from the first half to the second, where that is more than allowed. Too few
    looks say nothing: what has just started still grows."""
    if len(looks) < FEWEST_LOOKS:
        return {}
    half = len(looks) // 2
    rise = {
        name: statistics.median(each[name] for each in looks[half:])
        - statistics.median(each[name] for each in looks[:half])
        for name in MAY_RISE
    }
    return {name: round(value, 1) for name, value in rise.items() if value > MAY_RISE[name]}


def hurt(on: Stage, lasts: float, pause: float) -> tuple[list[dict[str, float]], list[str], int]:
    """A fault after each pause, and a look when people are served again; (looks, faults, violations)."""
    looks, faults, violations = [], [], 0
    ends = time.monotonic() + lasts
    while time.monotonic() < ends:
        on.ask_for_work()
        time.sleep(pause)
        looks.append(look(on))
        fault = on.trial.random.choice(on.faults())
        faults.append(fault.__name__)
        fault()
        on.load.wait_for_answers(40)
        violations += lost(on.cluster, on.load) + broken(on.cluster)
    return looks, faults, violations


@pytest.mark.torture("Q-13")
def test_hours_of_mixed_load_with_faults_leave_no_trace(databases: Databases, world: World, trial: Trial) -> None:
    """20 minutes, a fault every 30 seconds; in the suite eight seconds and a fault every four."""
    lasts, pause = trial.scale(fast=8, long=LONG_SECONDS), trial.scale(fast=4, long=30)
    with stage(databases, world, trial) as on:
        looks, faults, violations = hurt(on, lasts, pause)
        violations += until_quiet(on) + on.load.told[500] + on.load.without_hint
        told = dict(on.load.told)
    assert on.asked, "no work was asked for"
    risen = grown(looks)
    most = {name: round(max(each[name] for each in looks), 1) for name in MAY_RISE}
    violations += len(risen) + (most["connections"] > MOST_CONNECTIONS)
    trial.report(
        n=len(faults), violations=violations, faults=sorted(set(faults)), told=told, jobs=on.asked, risen=risen,
        most=most,
    )  # fmt: skip


def until_quiet(on: Stage) -> int:
    """Wait until the queue is empty; effects that are missing or happened twice."""
    deadline = time.monotonic() + 120
    while on.cluster.one(OPEN) and time.monotonic() < deadline:
        time.sleep(0.3)
    effects, different = on.cluster.one(EFFECTS), on.cluster.one(DISTINCT)
    return int(abs(effects - on.asked) + (effects - different))
