"""Two worker processes issue certificates: the last thousand of 200,000 cost what the first did.

Everything that the first 1,200 wrote, in every table, is then copied until 200,000 certificates are on record, and
1,200 more are issued. CERTAOS_BENCH=full issues all 200,000 (about three hours on two cores), a number that many.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.bench import copies
from tests.database import Databases, as_system
from tests.factories import cases
from tests.factories.names import World
from tests.torture.harness import Worker, environment, quick_worker, running, wait_until

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True), pytest.mark.timeout(6 * 3600)]

ASKED = os.environ.get("CERTAOS_BENCH", "")
TOTAL = 200_000
WHOLE = TOTAL if ASKED == "full" else int(ASKED) if ASKED.isdigit() else 0
WARM, WINDOW = 100, 1000
PART = WINDOW + 2 * WARM
Start = Callable[[], AbstractContextManager[Worker]]
COPIES = """
WITH made AS (
    INSERT INTO enrollments_enrollment (id, status, {names}) SELECT gen_random_uuid(), 'completed', {names}
    FROM enrollments_enrollment, generate_series(1, %s) WHERE id = %s RETURNING id, provider_id
)
INSERT INTO jobs_job (id, created_at, updated_at, kind, subject_type, subject_id, dedupe_key, params, state, attempts,
    max_attempts, not_before, last_error, result, correlation_id, queue, holder, organization_id)
SELECT gen_random_uuid(), now(), now(), 'certificates.issue', 'enrollments.enrollment', id::text,
    'certificate:' || id || ':1', '{{}}', 'ready', 0, 5, now(), '', '', '', '', '', provider_id
FROM made
"""


def multiply(judge: psycopg.Connection[Any], like: object, count: int) -> None:
    """So many copies of one enrollment as it was when completed, and a job for each."""
    rows = judge.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'enrollments_enrollment'"
        " AND is_generated = 'NEVER' AND column_name NOT IN ('id', 'status')"
    ).fetchall()
    names = ", ".join(f'"{row[0]}"' for row in rows)
    judge.execute(COPIES.format(names=names), [count, like])
    judge.execute("ANALYZE")


def seconds_for(judge: psycopg.Connection[Any], since: dt.datetime, first: int) -> float:
    """From the first to the last of WINDOW certificates asked for since then, in the order their jobs were done."""
    row: Any = judge.execute(
        "SELECT extract(epoch FROM max(finished_at) - min(finished_at)) FROM (SELECT finished_at FROM jobs_job"
        " WHERE kind = 'certificates.issue' AND state = 'done' AND created_at >= %s"
        " ORDER BY finished_at OFFSET %s LIMIT %s) part",
        [since, first, WINDOW],
    ).fetchone()
    return float(row[0])


def issue(judge: psycopg.Connection[Any], like: object, count: int, start: Start) -> dt.datetime:
    """Have so many certificates issued; returns when they were asked for."""
    row: Any = judge.execute("SELECT now()").fetchone()
    multiply(judge, like, count)
    left = "SELECT 1 FROM jobs_job WHERE created_at >= %s AND not_before <= now() AND state IN ('ready', 'running')"
    with start():
        wait_until(lambda: not judge.execute(left, row).fetchone(), "all are issued and told", seconds=5 * 3600)
    return row[0]


def fill(judge: psycopg.Connection[Any], since: int, provider: object) -> int:
    """Copy what the first part wrote until TOTAL certificates less the last part are there; how many tables it took."""
    tables = copies.grown(judge, since, PART * 9 // 10)
    copies.copy_rows(judge, since, tables, (TOTAL - PART) // PART - 1)
    judge.execute(
        "UPDATE core_counter SET value = (SELECT max(serial) FROM certificates_certificate WHERE provider_id = %s)"
        " WHERE name = 'certificate:' || %s",
        [provider, str(provider)],
    )
    judge.execute(
        "UPDATE audit_audithead h SET (seq, hash) = (SELECT e.seq, e.hash FROM audit_auditevent e"
        " WHERE e.organization_id = h.organization_id ORDER BY e.seq DESC LIMIT 1) WHERE h.organization_id = %s",
        [provider],
    )
    judge.execute("ANALYZE")
    return len(tables)


def test_a_certificate_costs_the_same_from_the_first_to_the_last_thousand(
    world: World, databases: Databases, tmp_path: Path, measured: Any
) -> None:
    with as_system():
        like = cases.make_enrollment(world.client_a, "CC", status="completed", completed_by=world.counselor_a)
    environ = environment(databases, world.worker, tmp_path) | {"LOG_LEVEL": "WARNING"}

    def start() -> AbstractContextManager[Worker]:
        return running(quick_worker(beat=10, stale=120), environ, tmp_path / "log")

    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as judge:
        since = copies.now(judge)
        began = issue(judge, like.pk, WHOLE or PART, start)
        first = seconds_for(judge, began, WARM)
        how = f"{WHOLE:,} issued"
        if not WHOLE:
            tables = fill(judge, since, world.provider_a.pk)
            began = issue(judge, like.pk, PART, start)
            how = f"{2 * PART:,} issued, the rows between copied in {tables} tables"
        last = seconds_for(judge, began, (WHOLE or PART) - WINDOW - (0 if WHOLE else WARM))
        serials = "SELECT count(DISTINCT serial), max(serial) FROM certificates_certificate WHERE provider_id = %s"
        issued: Any = judge.execute(serials, [world.provider_a.pk]).fetchone()
    ratio = last / first
    each = f"{1000 * last / WINDOW:.1f} ms against {1000 * first / WINDOW:.1f} ms each"
    measured(
        "Jobs", f"cost of a certificate, last against first {WINDOW:,} of {WHOLE or TOTAL:,}, two processes", ratio,
        goal="flat (≤ 1.2×)", held=ratio <= 1.2 and issued[0] == issued[1],
        basis=f"{each}; {how}, {issued[0]:,} serials on record",
    )  # fmt: skip
