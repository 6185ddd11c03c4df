"""The worker issues: in whose name, how often it tries, what it looks for."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings

from certificates.models import Certificate
from certificates.queries import issuable
from certificates.services.issuing import request_certificate
from certificates.services.numbers import add_number
from core import clock
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from jobs.enums import JobState
from jobs.models import Job
from jobs.services import enqueue, rerun_job
from organizations.models import ProviderProfile
from tasks.registry import find
from tests.certificates.acts import acting_as, completed, official
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.work import again, run, run_due

pytestmark = pytest.mark.django_db


def certificates_of(enrollment: Enrollment) -> list[Certificate]:
    with as_system():
        return list(Certificate.objects.filter(enrollment=enrollment).select_related("pdf"))


# --- The worker -------------------------------------------------------------------------------------------------------
def test_the_worker_issues_in_the_name_of_its_own_user(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """CERT-104."""
    monkeypatch.setattr(settings, "WORKER_ACTOR_USER_ID", str(world.worker.pk))
    enrollment = completed(world)
    with as_system():
        job = request_certificate(enrollment)

    assert run(job).result.startswith("Issued 00000-CAC-DE-")
    with as_system():
        made = Certificate.objects.get(enrollment=enrollment)
        assert made.issued_by == world.worker
        assert Enrollment.history.filter(id=enrollment.pk).latest().history_user_id == world.worker.pk


def test_the_knobs_of_the_issuer_have_their_documented_values() -> None:
    """CERT-110 to CERT-114."""
    assert (
        settings.CERT_ISSUER_POLL_INTERVAL_MS,
        settings.CERT_ISSUER_BATCH_SIZE,
        settings.CERT_ISSUER_MAX_BATCHES_PER_TICK,
        settings.CERT_ISSUER_RETRY_ATTEMPTS,
        settings.CERT_ISSUER_RETRY_BASE_DELAY_MS,
    ) == (60_000, 25, 5, 3, 500)
    task = find("certificates.issue")
    assert [task.wait_after(attempt).total_seconds() for attempt in (1, 2, 3)] == [0.5, 1.0, 2.0]


def test_a_passing_failure_is_tried_again_after_growing_waits(world: World, tmp_path: Path, settings: Any) -> None:
    """CERT-106, CERT-113, CERT-114: storage fails twice, and the third attempt issues."""
    healthy = settings.STORAGES
    (tmp_path / "full").write_text("no folder")
    broken = {**healthy, "default": {**healthy["default"], "OPTIONS": {"location": tmp_path / "full"}}}
    enrollment = completed(world)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with as_system():
            job = request_certificate(enrollment)
        settings.STORAGES = broken
        waits = []
        for _ in range(2):
            failed = run(job)
            waits.append((failed.not_before - clock.now()).total_seconds())
            clockwork.shift(waits[-1])
        settings.STORAGES = healthy
        done = run(job)

    assert waits == [0.5, 1.0]
    assert (done.state, done.attempts) == (JobState.DONE, 3)
    assert len(certificates_of(enrollment)) == 1


def test_a_lasting_failure_is_parked_after_three_attempts_and_can_be_run_again(
    world: World, tmp_path: Path, settings: Any
) -> None:
    healthy = settings.STORAGES
    (tmp_path / "full").write_text("no folder")
    settings.STORAGES = {**healthy, "default": {**healthy["default"], "OPTIONS": {"location": tmp_path / "full"}}}
    enrollment = completed(world)
    with time_machine.travel(clock.now(), tick=False) as clockwork:
        with as_system():
            job = request_certificate(enrollment)
        for _ in range(3):
            parked = run(job)
            clockwork.shift(5)
        settings.STORAGES = healthy
        with as_system():
            assert not issuable().filter(pk=enrollment.pk).exists()
            rerun_job(parked, reason="The disk has room again.")
        done = run(job)

    assert (parked.state, parked.attempts) == (JobState.PARKED, 3)
    assert (done.state, done.dedupe_key) == (JobState.DONE, job.dedupe_key)
    assert len(certificates_of(enrollment)) == 1


def test_a_refusal_that_needs_a_person_is_parked_at_once_with_its_code(world: World) -> None:
    enrollment = completed(world, completed_by=None)
    with as_system():
        job = request_certificate(enrollment)

    parked = run(job)

    assert (parked.state, parked.attempts) == (JobState.PARKED, 1)
    assert parked.last_error.startswith("completion_unknown: ")


# --- The issuer's look ------------------------------------------------------------------------------------------------
def look() -> Job:
    """One look of the issuer."""
    with as_system():
        job = enqueue("certificates.issue_due", dedupe_key=f"look:{uuid.uuid4()}")
    return run(job)


def requests() -> int:
    with as_system():
        return Job.objects.filter(kind="certificates.issue").count()


def test_a_look_takes_at_most_five_batches_of_25(world: World) -> None:
    """CERT-110 to CERT-112: 126 rows → 125 in one look, the last one in the next."""
    with as_system():
        Enrollment.objects.filter(status=EnrollmentStatus.COMPLETED).update(completed_by=None, status="cancelled")
        for _ in range(126):
            cases.make_enrollment(
                world.client_a, "CC", status=EnrollmentStatus.COMPLETED, completed_by=world.counselor_a
            )

    first, asked_first = look(), requests()
    second, asked_second = look(), requests()

    assert (first.result, asked_first) == ("125 asked for in 5 batches.", 125)
    assert (second.result, asked_second) == ("1 asked for in 1 batches.", 126)
    assert look().result == "Nothing is due."


def test_26_rows_are_two_batches(world: World) -> None:
    """CERT-111."""
    with as_system():
        Enrollment.objects.filter(status=EnrollmentStatus.COMPLETED).update(status="cancelled")
        for _ in range(26):
            cases.make_enrollment(
                world.client_a, "CC", status=EnrollmentStatus.COMPLETED, completed_by=world.counselor_a
            )

    assert look().result == "26 asked for in 2 batches."


def test_a_look_leaves_alone_who_issues_by_hand(world: World) -> None:
    completed(world)
    with as_system():
        ProviderProfile.objects.update(issues_automatically=False)

    assert look().result == "Nothing is due."


def test_what_waits_for_a_number_is_not_parked_and_goes_on_once_there_is_one(world: World) -> None:
    official(world)
    enrollment = completed(world)
    with as_system():
        Enrollment.objects.filter(provider=world.provider_b, status="completed").update(status="cancelled")
        Enrollment.objects.filter(pk=world.completed_a.pk).update(status="cancelled")
        job = request_certificate(enrollment)

    waiting = run(job)
    assert (waiting.state, waiting.result) == (
        JobState.DONE,
        (
            "Waits: There is no official number left for Debtor education in the Central District of California."
            " Draw numbers in the government’s system, then import or type them."
        ),
    )
    assert look().result == "Nothing is due."

    with acting_as(world.provider_admin_a):
        add_number(world.provider_a, "01234-CAC-DE-000000007", kind="DE", court_id="cacb")
    run_due("certificates.issue_due", "certificates.issue")

    assert [row.number for row in certificates_of(enrollment)] == ["01234-CAC-DE-000000007"]
    assert again(job).attempts == 1
