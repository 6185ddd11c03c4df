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
from jobs.enums import JobState
from jobs.models import Job, WorkerHeartbeat
from jobs.services import enqueue
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.torture.harness import NAME, Worker, environment, is_alive, quick_worker, running, wait_until
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]

NUMBER = "torture.number"
POISONS = ("torture.poison", "torture.crash", "torture.oom", "torture.endless", "torture.greedy")
ATTEMPTS = 2
HEALED_WITHIN = 60


def ask(count: int, kind: str = NUMBER) -> set[str]:
    with as_system():
        return {str(enqueue(kind, dedupe_key=f"{kind}-{clock.now()}-{index}").pk) for index in range(count)}


def left(prefix: str = NUMBER) -> int:
    with as_system():
        return Job.objects.open().filter(kind__startswith=prefix).count()


def effects() -> list[tuple[str, int]]:
    """For each effect, the job that had it and the number it took."""
    with as_system():
        rows = SystemEvent.objects.filter(source="torture").values_list("detail__job", "summary")
        return sorted(((job, int(number)) for job, number in rows), key=lambda row: row[1])


def wrong_effects(jobs: set[str]) -> int:
    """Jobs without effect, effects too many, and numbers out of line."""
    found = effects()
    done = [job for job, _ in found]
    gaps = sum(number != place for place, (_, number) in enumerate(found, 1))
    return len(jobs - set(done)) + len(done) - len(set(done)) + gaps


def works() -> bool:
    """Whether a heartbeat of the worker under test went through just now."""
    with as_system():
        return WorkerHeartbeat.objects.filter(worker=NAME, beat_at__gt=clock.now() - dt.timedelta(seconds=2)).exists()


def is_busy() -> bool:
    """Whether a job that takes a number has begun and is not done."""
    with as_system():
        return Job.objects.filter(kind=NUMBER, state=JobState.RUNNING).exists()


def kill_while_working(
    worker: Worker, kills: int, chance: random.Random, *, pause: float, enough: Callable[[], bool] = lambda: False
) -> int:
    """kill -9 one process after another, whenever a job is being done; returns how many died."""
    died = 0
    while died < kills and left() and not enough():
        if is_busy():
            died += worker.kill_one(chance)
            time.sleep(pause)
        time.sleep(0.01)
    return died


@pytest.mark.torture("D-01", long=True)  # -- the suite kills while certificates are issued
def test_kills_lose_nothing_and_double_nothing(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    kills, jobs = 60, ask(1200)
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker(), environ, tmp_path / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        died = kill_while_working(worker, kills, trial.random, pause=0.1)
        wait_until(lambda: left() == 0, "all jobs are done", seconds=120)

    assert died > 0
    trial.report(n=len(jobs), violations=wrong_effects(jobs), kills=died)


@pytest.mark.torture("D-01", long=True)  # -- chance needs many kills; the suite's control is the one of certificates
@pytest.mark.control("D-01")
def test_the_same_kills_double_effects_when_done_is_committed_apart(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    jobs = ask(80)
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker("--split"), environ, tmp_path / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        kill_while_working(worker, 60, random.Random(1), pause=0.2, enough=some_effect_happened_twice)

    assert some_effect_happened_twice()
    assert wrong_effects(jobs) > 0


def some_effect_happened_twice() -> bool:
    found = effects()
    return len(found) > len({job for job, _ in found})


def sentinel_of(worker: Worker) -> int:
    """The process that watches the others: their parent."""
    pid = worker.pids()[0]
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


VICTIMS: dict[str, Callable[[Worker, random.Random], int]] = {
    "idle worker": lambda worker, chance: chance.choice(worker.pids()),
    "monitor": lambda worker, _chance: worker.pids("monitoring at")[0],
    "pusher": lambda worker, _chance: worker.pids("pushing tasks at")[0],
    "sentinel": lambda worker, _chance: sentinel_of(worker),
    "leader": lambda worker, _chance: worker.leaders()[-1],
}


def seconds_to_heal(worker: Worker, victim: str, chance: random.Random, *, most: float = HEALED_WITHIN) -> float:
    """Kill the victim while all is quiet, ask for four jobs, and time how long until they are done."""
    wait_until(lambda: works() and worker.pids(), "the cluster works")
    os.kill(VICTIMS[victim](worker, chance), signal.SIGKILL)
    began = time.monotonic()
    ask(4)
    wait_until(lambda: left() == 0, f"work moves again after the {victim} was killed", seconds=most)
    return time.monotonic() - began


def heal(trial: Trial, world: World, databases: Databases, folder: Path, victims: dict[str, int]) -> None:
    """Kill each victim so often, one after another, and report how long the backlog stood still."""
    waits: list[float] = []
    with running(quick_worker(), environment(databases, world.worker, folder), folder / "log") as worker:
        for victim, times in victims.items():
            waits += [seconds_to_heal(worker, victim, trial.random) for _ in range(times)]
    found = effects()
    doubled = len(found) - len({job for job, _ in found})
    late = sum(wait > HEALED_WITHIN for wait in waits)
    trial.report(
        n=len(waits), violations=late + doubled + abs(len(found) - 4 * len(waits)), victims=victims,
        longest_seconds=round(max(waits), 1),
    )  # fmt: skip


@pytest.mark.torture("D-02", long=True)  # -- every third time the cluster hangs, and is replaced within ten seconds
def test_work_moves_again_after_an_idle_worker_died(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    heal(trial, world, databases, tmp_path, {"idle worker": 30})


@pytest.mark.torture("D-03", long=True)  # -- nearly every time a whole cluster is started again
def test_work_moves_again_after_any_other_process_died(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    each = 5
    heal(trial, world, databases, tmp_path, {"monitor": each, "pusher": each, "sentinel": each, "leader": each})


@pytest.mark.control("D-02", "D-03", long=True)  # it waits for what must not happen
def test_without_a_watchdog_a_cluster_that_stands_still_stays_so(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """The mistake: nobody looks. With the watchdog the same cluster is replaced, and the work done."""
    environ = environment(databases, world.worker, tmp_path)
    healed: list[bool] = []
    for watch in (1000, 0.3):
        with running(quick_worker(watch=watch), environ, tmp_path / f"log-{watch}") as worker:
            wait_until(lambda: works() and worker.pids(), "the cluster works")
            os.killpg(worker.leaders()[-1], signal.SIGSTOP)
            ask(2)
            try:
                wait_until(lambda: left() == 0, "work moves again", seconds=6 if watch > 1 else HEALED_WITHIN)
                healed.append(True)
            except AssertionError:
                healed.append(False)
            os.killpg(worker.leaders()[-1], signal.SIGCONT)

    assert healed == [False, True]


def poisoned(poison: set[str], good: set[str]) -> int:
    """Poison that is not parked with one alarm after its attempts, and good work without its effect."""
    with as_system():
        jobs = list(Job.objects.filter(pk__in=poison))
        alarms = [
            SystemEvent.objects.filter(source="jobs", level="error", detail__job=str(job.pk)).count() for job in jobs
        ]
    wrong = sum(
        (job.state, job.attempts, alarm) != ("parked", ATTEMPTS, 1) for job, alarm in zip(jobs, alarms, strict=True)
    )
    return wrong + len(good - {job for job, _ in effects()})


def ask_for_both(good: int, poison: int) -> tuple[set[str], set[str]]:
    """Good work, and so many jobs of each kind of poison spread among it."""
    kinds = [kind for _ in range(poison) for kind in POISONS]
    handful = -(-good // (len(kinds) + 1))
    asked, deadly = ask(handful), set()
    for kind in kinds:
        deadly |= ask(1, kind)
        asked |= ask(handful)
    return asked, deadly


def p95_wait(jobs: set[str]) -> float:
    """Seconds from asking to the end."""
    with as_system():
        done = Job.objects.filter(pk__in=jobs, finished_at__isnull=False)
        waits = sorted((job.finished_at - job.created_at).total_seconds() for job in done if job.finished_at)
    return waits[int(len(waits) * 0.95)]


@pytest.mark.torture("D-04", long=True)  # -- a hundred deaths; fewer say nothing about how long others wait
def test_poison_is_parked_and_good_work_goes_on(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    """First the good work alone; then as much of it with poison in between takes at most twice as long."""
    with running(quick_worker(), environment(databases, world.worker, tmp_path), tmp_path / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        calm = ask(1000)
        wait_until(lambda: left() == 0, "good work is done", seconds=120)
        good, poison = ask_for_both(1000, 20)
        wait_until(lambda: left("torture.") == 0, "poison parked and good work done", seconds=300)
        replaced = worker.said().count("replaces its cluster")

    before, among = p95_wait(calm), p95_wait(good)
    trial.report(
        n=len(poison), violations=poisoned(poison, good | calm) + (among > 2 * before), good=len(good),
        p95_alone=round(before, 1), p95_among_poison=round(among, 1), replaced=replaced,
    )  # fmt: skip


@pytest.mark.control("D-04", long=True)
def test_poison_goes_on_for_ever_when_only_what_returns_is_counted(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """The mistake of the queue's package."""
    environ = environment(databases, world.worker, tmp_path)
    poison = ask(1, "torture.poison")

    with running(quick_worker("--uncounted"), environ, tmp_path / "log") as worker:
        wait_until(lambda: worker.said().count("job started") > 2 * ATTEMPTS, "it is tried again and again")

    assert poisoned(poison, set()) > 0


@pytest.mark.torture("D-07")
def test_waiting_work_survives_new_keys_releases_and_names(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    """Nothing that waits is signed; a worker takes what it knows under any of its names, and leaves the rest to a newer
    one. Each release has another key and is stopped with work left over, the last one excepted."""
    count, releases = trial.scale(fast=40, long=1000), trial.scale(fast=1, long=3)
    jobs = ask(count // 2) | ask(count - count // 2, "torture.numeral")
    newer = ask(5, "torture.of_a_newer_release")

    for release in range(1, releases + 1):
        environ = environment(databases, world.worker, tmp_path) | {"SECRET_KEY": f"the key of release {release} " * 4}
        rest = count - count * release // releases
        with running(quick_worker(), environ, tmp_path / f"log-{release}"):
            wait_until(lambda most=rest: left("torture.num") <= most, "the work goes on", seconds=120)

    trial.report(n=len(jobs) + len(newer), violations=wrong_effects(jobs) + lost(newer), releases=releases)


def lost(jobs: set[str]) -> int:
    with as_system():
        return len(jobs) - Job.objects.filter(pk__in=jobs, state="ready", attempts=0).count()


@pytest.mark.control("D-07")
def test_a_worker_that_takes_what_it_does_not_know_would_park_it(world: World) -> None:
    from tests.work import run  # noqa: PLC0415 -- only here

    newer = ask(2, "torture.of_a_newer_release")
    with as_system():
        jobs = list(Job.objects.filter(pk__in=newer))

    for job in jobs:
        run(job)

    assert lost(newer) == 2


def test_a_worker_stops_when_asked_and_leaves_no_process(world: World, databases: Databases, tmp_path: Path) -> None:
    """The command itself, in its own rhythm: its first heartbeat comes at once, and one SIGTERM is enough."""
    environ = environment(databases, world.worker, tmp_path)
    command = (sys.executable, "manage.py", "worker", "--name", NAME)

    with running(command, environ, tmp_path / "log") as worker:
        wait_until(lambda: works() and len(everybody(worker)) == 5, "the cluster works")
        pids = everybody(worker)
        worker.process.terminate()
        code = worker.process.wait(timeout=20)

    assert (code, len(pids)) == (0, 5)
    assert [pid for pid in pids if is_alive(pid)] == []
    assert "kills its cluster" not in worker.said()


def test_nobody_of_a_cluster_outlives_its_leader_or_its_supervisor(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    environ = environment(databases, world.worker, tmp_path)

    with running(quick_worker(), environ, tmp_path / "log") as worker:
        wait_until(lambda: works() and len(everybody(worker)) == 5, "the cluster works")
        pids = [*everybody(worker), sentinel_of(worker)]
        worker.process.kill()
        os.kill(worker.leaders()[-1], signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, pids)), "all are gone", seconds=10)


def everybody(worker: Worker) -> list[int]:
    words = ("ready for work at", "monitoring at", "pushing tasks at")
    return [*worker.leaders(), *(pid for each in words for pid in worker.pids(each))]
