"""Long lines, short leases, floods: every job is done once, and everybody has a turn."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core import clock
from jobs import line
from jobs.models import Job
from jobs.services import enqueue
from tests.database import Databases, as_system, role
from tests.factories.names import World
from tests.torture.cluster import one_line
from tests.torture.harness import environment, quick_worker, running, wait_until
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]

NOTHING, SLOW = "torture.nothing", "torture.slow"
LATER = 10
WITHIN = 60


def judge(databases: Databases, question: str, *values: Any) -> Any:
    """Asked as superuser."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as connection:
        return connection.execute(question, values).fetchone()[0]  # type: ignore[index]  # -- one row, always


def flood(databases: Databases, organization: Any, count: int) -> None:
    """So many jobs of one organization, an hour old."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO jobs_job (id, created_at, updated_at, kind, subject_type, subject_id, dedupe_key, params,"
            " state, attempts, max_attempts, not_before, last_error, result, correlation_id, queue, holder,"
            " organization_id)"
            " SELECT gen_random_uuid(), now(), now(), %s, '', '', 'flood-' || n, '{}', 'ready', 0, 5,"
            " now() - interval '1 hour', '', '', '', '', '', %s FROM generate_series(1, %s) n",
            [NOTHING, organization.pk, count],
        )
        connection.execute("ANALYZE jobs_job")


@pytest.mark.torture("D-15")
def test_a_flood_of_one_tenant_lets_the_work_of_another_through(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    count = trial.scale(fast=1200, long=50_000)
    flood(databases, world.provider_a, count)
    mine = "kind = 'torture.nothing' AND organization_id = %s"

    with running(quick_worker(), environment(databases, world.worker, tmp_path), tmp_path / "log"):
        wait_until(lambda: judge(databases, f"SELECT count(*) FROM jobs_job WHERE {mine} AND state = 'done'",
                                 world.provider_a.pk) > 100, "the flood is being worked off")  # fmt: skip
        began = time.monotonic()
        with as_system():
            for number in range(LATER):
                enqueue(NOTHING, dedupe_key=f"later-{number}", organization=world.provider_b.pk)
        wait_until(lambda: judge(databases, f"SELECT count(*) FROM jobs_job WHERE {mine} AND state = 'done'",
                                 world.provider_b.pk) == LATER, "the other's work is done", seconds=WITHIN)  # fmt: skip
        seconds = time.monotonic() - began
        ahead = judge(databases, f"SELECT count(*) FROM jobs_job WHERE {mine} AND state = 'ready'", world.provider_a.pk)

    trial.report(n=count, violations=int(seconds > WITHIN) + int(ahead == 0), seconds=round(seconds, 2), still=ahead)


def turns_before_the_other(databases: Databases, world: World) -> int:
    """How many jobs of the flood are taken before the last of the other's ten, by one process."""
    flood(databases, world.provider_a, 200)
    with as_system():
        for number in range(LATER):
            enqueue(NOTHING, dedupe_key=f"later-{number}", organization=world.provider_b.pk, not_before=clock.now())
    taken: list[Job] = []
    with role("app_worker"):
        while handful := line.reserve("one/1", "one", kinds={NOTHING}, most=20):
            taken += handful
    places = [place for place, job in enumerate(taken) if job.organization_id == world.provider_b.pk]
    return places[-1] + 1 - LATER


@pytest.mark.control("D-15")
def test_first_come_first_served_would_keep_the_other_waiting(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    fair = turns_before_the_other(databases, world)
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as connection:
        connection.execute("DELETE FROM jobs_job WHERE kind = %s", [NOTHING])
    monkeypatch.setattr(line, "_RESERVE", one_line(line._RESERVE))

    assert fair <= LATER
    assert turns_before_the_other(databases, world) == 200


def outside_effects(databases: Databases, world: World, folder: Path, count: int, *mistake: str) -> tuple[int, int]:
    """Work off slow jobs whose lease ends before they do; (effects too many or missing, attempts). A mistaken worker is
    watched only until its first double, for it may never come to an end."""
    with as_system():
        jobs = {str(enqueue(SLOW, dedupe_key=f"slow-{number}").pk) for number in range(count)}
    book = folder / "outside"
    book.touch()

    def is_over() -> bool:
        if mistake and len(book.read_text().split()) > len(jobs):
            return True
        open_jobs = "SELECT count(*) FROM jobs_job WHERE kind = %s AND state <> 'done'"
        return bool(judge(databases, open_jobs, SLOW) == 0)

    environ = environment(databases, world.worker, folder) | {"TORTURE_OUTSIDE": str(book)}
    with running(quick_worker(*mistake), environ, folder / "log") as worker:
        wait_until(is_over, "all slow jobs are done", seconds=180)
        started = worker.said().count("job started")
    seen = Counter(book.read_text().split())
    return sum(abs(seen[job] - 1) for job in jobs), started


@pytest.mark.torture("D-06")
def test_a_lease_shorter_than_the_work_has_one_effect(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    """Six times as many slow jobs as processes; others try to take them over, find the lock and stand back."""
    count = trial.scale(fast=4, long=48)
    wrong, started = outside_effects(databases, world, tmp_path, count)
    trial.report(n=count, violations=wrong, started=started)


@pytest.mark.control("D-06")
def test_without_the_lock_a_short_lease_doubles_the_effect(world: World, databases: Databases, tmp_path: Path) -> None:
    wrong, _started = outside_effects(databases, world, tmp_path, 3, "--unlocked")
    assert wrong > 0
