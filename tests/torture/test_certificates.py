"""Workers die while they issue certificates: none is lost, none is doubled, serials of each provider stay gapless."""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import time
from pathlib import Path

import pytest

from certificates.enums import NumberStatus
from certificates.models import Certificate, CgsNumber, CourtFiling
from certificates.services.issuer import request_due
from core import clock
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from jobs.enums import JobState
from jobs.models import Job
from notifications.models import Message
from organizations.models import ProviderProfile
from tests.database import Databases, as_system
from tests.factories import cases
from tests.factories.names import World
from tests.torture.harness import QUICK, Worker, environment, running, wait_until
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("workers")]

ISSUE = "certificates.issue"


def worker_command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.torture.certificate_worker", json.dumps(QUICK), *arguments)


def knobs(databases: Databases, world: World, folder: Path) -> dict[str, str]:
    """Attempts beyond what thirty kills can use up; the product parks after three, which is another test's matter."""
    return environment(databases, world.worker, folder) | {"CERT_ISSUER_RETRY_ATTEMPTS": "1000"}


def complete_many(world: World, simulated: int, official: int) -> set[object]:
    """Completed courses at provider A, whose numbers are simulated, and at provider B, which has just enough official
    ones; every certificate is asked for."""
    with as_system():
        Enrollment.objects.awaiting_certificate().update(status=EnrollmentStatus.CANCELLED)
        ProviderProfile.objects.filter(organization=world.provider_b).update(simulates_numbers=False)
        made = [
            cases.make_enrollment(client, "DE", status=EnrollmentStatus.COMPLETED, completed_by=counselor).pk
            for client, counselor, count in (
                (world.client_a, world.counselor_a, simulated),
                (world.client_b, world.counselor_b, official),
            )
            for _ in range(count)
        ]
        for serial in range(official):
            cases.make_cgs_number(world.provider_b, f"01234-CAC-DE-{serial:09d}", "DE")
        assert sum(request_due(size=500, most_batches=100)) == simulated + official
    return set(made)


def left() -> int:
    with as_system():
        return Job.objects.open().filter(kind=ISSUE).count()


def serials(world: World) -> dict[object, list[int]]:
    """What each provider issued, the one certificate that its tenant began with left out."""
    with as_system():
        rows = Certificate.objects.filter(serial__gt=1).order_by("serial").values_list("provider", "serial")
        found: dict[object, list[int]] = {world.provider_a.pk: [], world.provider_b.pk: []}
        for provider, serial in rows:
            found[provider].append(serial)
    return found


def issuing_now(begun_ago: float) -> bool:
    """Whether a certificate was begun `begun_ago` seconds ago, or a moment later, and is not done."""
    moment = clock.now() - dt.timedelta(seconds=begun_ago)
    with as_system():
        begun = Job.objects.filter(
            kind=ISSUE,
            state=JobState.RUNNING,
            started_at__lte=moment,
            started_at__gt=moment - dt.timedelta(seconds=0.2),
        )
        return begun.exists()


def kill_while_issuing(
    worker: Worker, kills: int, chance: random.Random, *, begun_ago: float = 0, pause: float = 0
) -> int:
    """kill -9 one process after another, each while a certificate is being made; returns how many died."""
    died = 0
    while died < kills and left():
        if issuing_now(begun_ago):
            time.sleep(chance.uniform(0, 0.05))
            died += worker.kill_one(chance)
            time.sleep(pause)
        time.sleep(0.01)
    return died


def interrupted() -> int:
    """How many certificates were under way when their process was killed."""
    with as_system():
        return Job.objects.filter(kind=ISSUE, attempts__gt=1).count()


@pytest.mark.torture("D-01")
def test_kills_lose_no_certificate_double_none_and_leave_no_gap(
    world: World, databases: Databases, tmp_path: Path, trial: Trial
) -> None:
    kills = trial.scale(fast=30, long=200)
    simulated, official = trial.scale(fast=120, long=3600), trial.scale(fast=30, long=400)
    asked = complete_many(world, simulated, official)

    with running(worker_command(), knobs(databases, world, tmp_path), tmp_path / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        died = kill_while_issuing(worker, kills, trial.random, pause=trial.scale(fast=0, long=1) * 0.15)
        wait_until(lambda: left() == 0, "every certificate is issued", seconds=600)

    assert died == kills
    with as_system():
        made = Certificate.objects.filter(enrollment__in=asked)
        per_enrollment = list(made.values_list("enrollment", flat=True))
        numbers = list(made.values_list("number", flat=True))
        states = set(Enrollment.objects.filter(pk__in=asked).values_list("status", flat=True))
        filings = CourtFiling.objects.filter(enrollment__in=asked).count()
        mails = Message.objects.filter(event="certificate.issued").count()
        unused = CgsNumber.objects.filter(provider=world.provider_b, kind="DE", status=NumberStatus.AVAILABLE).count()
    total = simulated + official
    assert interrupted() > 0
    assert (len(per_enrollment), set(per_enrollment)) == (total, asked)
    assert len(set(numbers)) == total
    assert states == {EnrollmentStatus.CERT_ISSUED}
    assert (filings, mails, unused) == (total, total, 0)
    assert serials(world) == {
        world.provider_a.pk: list(range(2, simulated + 2)),
        world.provider_b.pk: list(range(2, official + 2)),
    }
    trial.report(n=total, violations=abs(len(per_enrollment) - total), kills=died, interrupted=interrupted())


@pytest.mark.control("D-01")
def test_the_same_kills_leave_gaps_when_the_serial_is_taken_apart(
    world: World, databases: Databases, tmp_path: Path
) -> None:
    """The control of the test above: it would notice."""
    complete_many(world, 10, 0)

    with running(worker_command("--loose"), knobs(databases, world, tmp_path), tmp_path / "log") as worker:
        wait_until(worker.pids, "the cluster works")
        kill_while_issuing(worker, 4, random.Random(1), begun_ago=0.6)  # while it rests with its number in hand
        wait_until(lambda: left() == 0, "every certificate is issued", seconds=120)

    found = serials(world)[world.provider_a.pk]
    assert len(found) == 10
    assert found != list(range(2, 12))
