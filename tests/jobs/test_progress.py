"""A running job shows how far it is, keeps a short log, and stops when it is asked to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from core.sequences import next_number
from jobs import progress
from jobs.models import Job, JobLine, JobProgress
from jobs.progress import report_progress, stop_if_cancelled, write_line
from jobs.services import cancel_job, enqueue
from organizations.actors import load_actor
from tasks import registry
from tasks.registry import task
from tests.database import as_system
from tests.factories.names import World
from tests.work import again, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def side_is_the_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the product both connections are the worker's; here the login of the tests has to become it."""
    with progress.connections["side"].cursor() as cursor:
        cursor.execute("SET ROLE app_worker")
    before = dict(registry.registered())
    yield
    registry._TASKS.clear()
    registry._TASKS.update(before)
    progress.connections["side"].close()


def ask(kind: str, organization: Any = None) -> Job:
    with as_system():
        return enqueue(kind, dedupe_key=kind, organization=organization)


def test_progress_is_seen_while_the_work_is_under_way_and_outlives_its_failure(world: World) -> None:
    shown: list[Any] = []

    @task("test.steps", max_attempts=1)
    def steps(job: Job) -> str:
        report_progress(job, 1, 4, "Reading")
        report_progress(job, 2, 4, "Too soon after the first to be written")
        with progress.connections["side"].cursor() as cursor:
            cursor.execute(
                "SELECT set_config('app.scope', 'system', true);"
                " SELECT done, total, text FROM jobs_jobprogress WHERE job_id = %s",
                [job.pk],
            )
            cursor.nextset()
            shown.append(cursor.fetchone())
        report_progress(job, 4, 4, "Read")
        write_line(job, "The file ended early.", level="warning")
        raise ValueError("broken")

    job = run(ask("test.steps"))

    with as_system():
        kept = JobProgress.objects.get(job=job)
        lines = list(JobLine.objects.filter(job=job).values_list("level", "attempt", "text"))
    assert shown == [(1, 4, "Reading")]
    assert (kept.done, kept.total, kept.text, kept.percent) == (4, 4, "Read", 100)
    assert lines == [("warning", 1, "The file ended early."), ("error", 1, "ValueError: broken")]
    assert job.state == "parked"


def test_a_log_keeps_its_newest_lines(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINES_KEPT", 3)
    job = ask("test.nothing")

    for number in range(6):
        write_line(job, str(number))

    with as_system():
        assert list(JobLine.objects.filter(job=job).values_list("text", flat=True)) == ["3", "4", "5"]


def test_a_running_job_stops_where_it_can_and_leaves_nothing(world: World) -> None:
    ended: list[str] = []
    with as_system():
        admin = load_actor(world.provider_admin_a)

    @task("test.endless", cancelled=lambda job: ended.append(job.state))
    def endless(job: Job) -> str:
        next_number("test.endless")
        stop_if_cancelled(job)
        progress._looked.clear()
        job_now = Job.objects.get(pk=job.pk)
        with acting(admin):
            cancel_job(job_now, reason="Wrong file.")
        stop_if_cancelled(job)
        return "Never."

    job = run(ask("test.endless", world.provider_a.pk))

    with as_system():
        acts = list(AuditEvent.objects.filter(target_id=str(job.pk)).order_by("seq").values_list("act", flat=True))
    # Asked inside the job's own transaction here, so the wish is rolled back with it; the stop is what counts.
    assert (job.state, ended) == ("cancelled", ["cancelled"])
    assert acts == ["job.cancelled"]


def test_asking_a_running_job_to_stop_is_on_record_once_and_needs_a_reason(world: World) -> None:
    job = ask("test.nothing", world.provider_a.pk)
    with as_system():
        Job.objects.filter(pk=job.pk).update(state="running")
        admin = load_actor(world.provider_admin_a)

    with acting(admin):
        job = Job.objects.get(pk=job.pk)
        with pytest.raises(DomainError):
            cancel_job(job, reason=" ")
        cancel_job(job, reason="Wrong file.")
        cancel_job(job, reason="Wrong file, please.")

    with as_system():
        events = list(AuditEvent.objects.filter(target_id=str(job.pk)).values_list("act", "reason", "actor_id"))
    assert events == [("job.stop_asked", "Wrong file.", world.provider_admin_a.pk)]
    assert again(job).cancel_asked_at is not None


def test_a_failing_job_that_was_asked_to_stop_is_not_tried_again(world: World) -> None:
    @task("test.failing", max_attempts=5)
    def failing(job: Job) -> str:
        raise ValueError("broken")

    job = ask("test.failing")
    with as_system():
        Job.objects.filter(pk=job.pk).update(cancel_asked_at="2026-01-01T00:00:00Z")

    assert run(job).state == "cancelled"
    assert databases_hold_nothing_open()


def databases_hold_nothing_open() -> bool:
    with as_system():
        return not Job.objects.open().filter(kind__startswith="test.").exists()
