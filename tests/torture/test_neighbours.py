"""One tenant imports a great file, floods the queue and sends mails that nobody takes; another one works as usual."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core.context import acting
from jobs.models import Job
from jobs.services import enqueue
from notifications.services import DELIVER
from resources.enrollments import EnrollmentResource
from resources.importing import confirm
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.factories.shared import make_message
from tests.processes import free_port
from tests.torture.harness import Worker, environment, quick_worker, running, wait_until
from tests.torture.imports import a_file, actor_of, checked_run
from tests.torture.readers import Reading, read
from tests.torture.test_crashes import web
from tests.torture.test_line import NOTHING, flood, judge
from tests.trials import Trial
from tests.web import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]
PAGES = ("/console/", "/console/enrollments/enrollment/", "/console/certificates/certificate/", "/providers")
BOUND = 10.0
WAITS = """
SELECT coalesce(max(extract(epoch FROM coalesce(finished_at, now()) - created_at)), 0)
FROM jobs_job WHERE dedupe_key LIKE 'quiet-%%'
"""
WRITTEN = "SELECT coalesce(sum(cursor), 0) FROM imports_importrun"
TRIED = "SELECT count(*) FROM jobs_job WHERE kind = %s AND attempts > 0"


def make_noise(world: World, databases: Databases, *, jobs: int, rows: int, mails: int) -> None:
    """What the loud tenant asks for, all of it before the other wants anything."""
    flood(databases, world.provider_a, jobs)
    with as_system():
        for number in range(mails):
            message = make_message(world.provider_a, f"nobody-{number}@example.org", event="certificate.issued")
            enqueue(DELIVER, message, dedupe_key=f"deliver:{message.dedupe_key}", organization=world.provider_a.pk)
    if rows:
        run = checked_run(world.provider_admin_a, world.provider_a, a_file(rows))
        actor = actor_of(world.provider_admin_a)
        with acting(actor):
            confirm(EnrollmentResource(actor, world.provider_a), run, snapshot=run.snapshot, at_once=0)


@contextmanager
def at_work(world: World, databases: Databases, folder: Path, *mistake: str) -> Iterator[Worker]:
    """The worker, with a mail server that is not there."""
    environ = environment(databases, world.worker, folder) | {
        "MAIL_TRANSPORT": "smtp", "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
    }  # fmt: skip
    with running(quick_worker(*mistake), environ, folder / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        yield worker


def ask_quietly(world: World, number: int) -> None:
    """The other tenant wants one thing done."""
    with as_system():
        enqueue(NOTHING, dedupe_key=f"quiet-{number}", organization=world.provider_b.pk)


def cookies(world: World) -> str:
    return f"session={sign_in(Client(), world.provider_admin_b).cookies['session'].value}"


def read_and_ask(base: str, world: World, count: int, who: str) -> Reading:
    """Pages of the quiet tenant, and after every handful a job of theirs."""
    found = Reading()
    for number in range(0, count, 20):
        some = read(base, PAGES, 20, cookies=who)
        found.seconds += some.seconds
        found.failed += some.failed
        ask_quietly(world, number)
    return found


def open_of(tenant: Any) -> int:
    with as_system():
        return Job.objects.open().filter(kind=NOTHING, organization=tenant).count()


@pytest.mark.torture("A-14", long=True)
def test_a_noisy_neighbour_slows_nobody_down(world: World, databases: Databases, tmp_path: Path, trial: Trial) -> None:
    count, noise = 400, {"jobs": 20_000, "rows": 50_000, "mails": 1000}
    who = cookies(world)
    with web(databases) as base:
        with at_work(world, databases, tmp_path):
            read(base, PAGES, 40, cookies=who)
            usual = read_and_ask(base, world, count, who)
        make_noise(world, databases, **noise)
        with at_work(world, databases, tmp_path) as worker:
            before = judge(databases, WRITTEN)
            time.sleep(2)
            troubled = read_and_ask(base, world, count, who)
            left = open_of(world.provider_a)
            written, tried = judge(databases, WRITTEN) - before, judge(databases, TRIED, DELIVER)
            wait_until(lambda: not open_of(world.provider_b), "the other's work is done", seconds=BOUND)
            longest, replaced = float(judge(databases, WAITS)), worker.said().count("replaces its cluster")
    assert left > 0, "the noise was over too soon"
    assert min(written, tried) > 0
    violations = troubled.slower_than(usual) + troubled.failed + usual.failed + (longest > BOUND) + replaced
    trial.report(
        n=count, violations=violations, usual_p95=round(usual.p95, 3), p95=round(troubled.p95, 3),
        ratio=round(troubled.p95 / usual.p95, 2), longest_wait=round(longest, 2), still=left, rows_written=written,
        mails_tried=tried, **noise,
    )  # fmt: skip


@pytest.mark.control("A-14", long=True)
def test_first_come_first_served_makes_the_quiet_tenant_wait(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """The mistake: one line for all."""
    make_noise(world, databases, jobs=20_000, rows=0, mails=0)
    with at_work(world, databases, tmp_path, "--one-line"):
        ask_quietly(world, 0)
        time.sleep(BOUND + 1)
        longest = float(judge(databases, WAITS))
    assert longest > BOUND
