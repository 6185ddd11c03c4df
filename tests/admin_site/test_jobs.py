"""The console's pages about background work."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from jobs.models import Downtime, Job, JobProgress, Rehearsal
from tests.admin_site.addresses import action, listing, record
from tests.database import as_system
from tests.factories.names import World
from tests.factories.shared import make_job
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def job_of(world: World, **fields: Any) -> Job:
    with as_system():
        return make_job(world.provider_a, **fields)


def page(person: Any, address: str) -> Any:
    client = Client()
    sign_in(client, person)
    return client.get(address)


def test_a_running_job_shows_its_progress_log_and_how_to_stop_it(world: World) -> None:
    job = job_of(world, state="running", attempts=1, subject=world.studying_a)
    with as_system():
        JobProgress.objects.create(job=job, done=250, total=1000, text="Reading rows")
        job.lines.create(attempt=1, level="warning", text="Line 12 has no court.")

    body = page(world.provider_admin_a, record(job)).content.decode()

    for words in (
        "Reading rows",
        "250 / 1,000",
        "25 %",
        "Line 12 has no court.",
        "data-is-live",
        action(job, "cancel"),
    ):
        assert words in body
    assert record(world.studying_a) in body


def test_the_live_part_is_for_those_who_see_the_job(world: World) -> None:
    job = job_of(world, state="running")
    address = record(job, "live")

    assert page(world.provider_admin_a, address).status_code == 200
    assert page(world.provider_admin_b, address).status_code == 404
    assert page(world.counselor_a, address).status_code == 403


def test_asking_for_a_preview_writes_the_wish_and_nothing_else(world: World) -> None:
    job = job_of(world, state="parked", last_error="ValueError: broken")
    client = Client()
    sign_in(client, world.provider_admin_a)

    client.post(action(job, "rehearse"), {})
    body = client.get(record(job)).content.decode()

    with as_system():
        found = Rehearsal.objects.select_related("runs_as").get(job=job)
        acts = list(AuditEvent.objects.filter(target_id=str(job.pk)).values_list("act", flat=True))
        job.refresh_from_db()
    assert (found.runs_as.kind, found.done_at, job.state, acts) == (
        "rehearsals.rehearse",
        None,
        "parked",
        ["job.rehearsed"],
    )
    assert "The worker tries it out now." in body


@pytest.mark.parametrize("state", ["ready", "running", "done", "cancelled"])
def test_only_a_parked_job_is_previewed_or_run_again(world: World, state: str) -> None:
    """D-13."""
    job = job_of(world, state=state)
    client = Client()
    sign_in(client, world.provider_admin_a)

    for act in ("rehearse", "rerun"):
        client.post(action(job, act), {"reason": "Again."})

    with as_system():
        assert Job.objects.get(pk=job.pk).state == state
        assert not Rehearsal.objects.filter(job=job).exists()


def test_parked_jobs_are_grouped_by_cause_and_run_again_together(world: World) -> None:
    for _ in range(3):
        job_of(world, state="parked", kind="notifications.deliver", last_error="The mail service is away.")
    job_of(world, state="parked", kind="files.purge", last_error="Disk full.")
    client = Client()
    sign_in(client, world.provider_admin_a)

    body = client.get(reverse("admin:jobs_job_parked")).content.decode()
    with as_system():
        keys = [
            str(pk)
            for pk in Job.objects.filter(kind="notifications.deliver", state="parked").values_list("pk", flat=True)
        ]
    confirm = client.post(listing(Job), {"action": "rerun", "_selected_action": keys}).content.decode()
    client.post(reverse("admin:jobs_job_bulk_rerun"), {"pk": keys, "reason": "The service is back."})

    assert "The mail service is away." in body
    assert "Run 3 again" in body
    assert "do/rerun/" in confirm
    with as_system():
        assert Job.objects.filter(pk__in=keys, state="ready").count() == 3
        assert Job.objects.filter(kind="files.purge", state="parked").exists()


def test_the_platform_sees_how_schedules_and_workers_stand(world: World) -> None:
    body = page(world.platform_support, listing(Downtime)).content.decode()

    assert "audit.verify" in body
    assert "Log of downtimes" in body
    assert page(world.provider_admin_a, listing(Downtime)).status_code == 403
