"""Two worker processes issue certificates by the ten thousand: the last cost what the first did.

CERTAOS_BENCH=full issues 200,000 (about three hours on two cores), a number issues that many; without it 20,000.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.database import Databases, as_system
from tests.factories import cases
from tests.factories.names import World
from tests.torture.harness import environment, quick_worker, running, wait_until

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True), pytest.mark.timeout(6 * 3600)]

ASKED = os.environ.get("CERTAOS_BENCH", "")
COUNT = 200_000 if ASKED == "full" else int(ASKED) if ASKED.isdigit() else 20_000
WINDOW = min(1000, COUNT // 5)
JOBS = """
INSERT INTO jobs_job (id, created_at, updated_at, kind, subject_type, subject_id, dedupe_key, params, state, attempts,
    max_attempts, not_before, last_error, result, correlation_id, queue, holder, organization_id)
SELECT gen_random_uuid(), now(), now(), 'certificates.issue', 'enrollments.enrollment', id::text,
    'certificate:' || id || ':1', '{}', 'ready', 0, 5, now(), '', '', '', '', '', provider_id
FROM enrollments_enrollment WHERE status = 'completed'
"""


def multiply(judge: psycopg.Connection[Any], like: object, count: int) -> None:
    """So many copies of one completed enrollment, and a job for each."""
    rows = judge.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'enrollments_enrollment'"
        " AND is_generated = 'NEVER' AND column_name <> 'id'"
    ).fetchall()
    names = ", ".join(f'"{row[0]}"' for row in rows)
    judge.execute(
        f"INSERT INTO enrollments_enrollment (id, {names}) SELECT gen_random_uuid(), {names}"
        " FROM enrollments_enrollment, generate_series(1, %s) WHERE id = %s",
        [count, like],
    )
    judge.execute(JOBS)
    judge.execute("ANALYZE")


def seconds_for(judge: psycopg.Connection[Any], first: int, count: int) -> float:
    """From the first to the last of `count` certificates, in the order in which their jobs were done."""
    row: Any = judge.execute(
        "SELECT extract(epoch FROM max(finished_at) - min(finished_at)) FROM (SELECT finished_at FROM jobs_job"
        " WHERE kind = 'certificates.issue' AND state = 'done' ORDER BY finished_at OFFSET %s LIMIT %s) part",
        [first, count],
    ).fetchone()
    return float(row[0])


def test_a_certificate_costs_the_same_from_the_first_to_the_last_thousand(
    world: World, databases: Databases, tmp_path: Path, measured: Any
) -> None:
    with as_system():
        like = cases.make_enrollment(world.client_a, "CC", status="completed", completed_by=world.counselor_a)
    environ = environment(databases, world.worker, tmp_path) | {"LOG_LEVEL": "WARNING"}
    done = "SELECT count(*) FROM jobs_job WHERE kind = 'certificates.issue' AND state NOT IN ('ready', 'running')"
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        multiply(judge, like.pk, COUNT)
        with running(quick_worker(beat=10, stale=120), environ, tmp_path / "log"):
            wait_until(lambda: judge.execute(done).fetchone()[0] >= COUNT, "all are issued", seconds=5 * 3600)
        whole = seconds_for(judge, 0, COUNT)
        first = seconds_for(judge, WINDOW // 10, WINDOW)
        last = seconds_for(judge, COUNT - WINDOW, WINDOW)
        serials = "SELECT count(DISTINCT serial), max(serial) FROM certificates_certificate WHERE provider_id = %s"
        issued: Any = judge.execute(serials, [world.provider_a.pk]).fetchone()
    sys.stdout.write(f"{issued[0]} serials up to {issued[1]}\n")
    ratio = last / first
    measured(
        "Jobs", f"cost of a certificate, last against first {WINDOW:,} of {COUNT:,}, two processes", ratio,
        goal="flat (≤ 1.2×)", held=ratio <= 1.2 and issued[0] == issued[1],
        basis=f"{1000 * last / WINDOW:.1f} ms against {1000 * first / WINDOW:.1f} ms each, {COUNT / whole:.0f}/s",
    )  # fmt: skip
