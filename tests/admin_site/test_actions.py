"""`post_action`: dialog on GET, effect on POST, on rows in sight only."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import AuditEvent
from jobs.enums import JobState
from jobs.models import Job
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def park(*jobs: Job) -> None:
    with as_system():
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(state=JobState.PARKED, attempts=5)


def test_get_shows_the_dialog_and_changes_nothing(world: World, client: Client) -> None:
    park(world.job_a)
    response = sign_in(client, world.provider_admin_a).get(addresses.action(world.job_a, "rerun"))
    assert response.status_code == 200
    assert 'id="dialog"' in response.content.decode()
    assert world.job_a.state == JobState.PARKED


def test_post_acts_on_the_row_and_leaves_evidence(world: World, client: Client) -> None:
    park(world.job_a)
    response = sign_in(client, world.provider_admin_a).post(
        addresses.action(world.job_a, "rerun"), {"reason": "the mail service is back"}
    )
    assert (response.status_code, response["Location"]) == (302, addresses.record(world.job_a))
    assert (world.job_a.state, world.job_a.attempts) == (JobState.READY, 0)
    with as_system():
        event = AuditEvent.objects.filter(target_id=str(world.job_a.pk)).latest("id")
    assert (event.act, event.reason) == ("job.ready", "the mail service is back")


def test_a_missing_reason_is_asked_for_again(world: World, client: Client) -> None:
    park(world.job_a)
    response = sign_in(client, world.provider_admin_a).post(addresses.action(world.job_a, "rerun"), {"reason": " "})
    assert response.status_code == 200
    assert world.job_a.state == JobState.PARKED


def test_a_refusal_becomes_a_message_and_writes_nothing(world: World, client: Client) -> None:
    response = sign_in(client, world.provider_admin_a).post(
        addresses.action(world.job_a, "rerun"), {"reason": "again"}, follow=True
    )
    assert "action_not_now" in response.content.decode()
    assert world.job_a.state == JobState.READY


def test_a_row_changed_since_it_was_looked_at_is_not_acted_on(world: World, client: Client) -> None:
    park(world.job_a)
    response = sign_in(client, world.provider_admin_a).post(
        addresses.action(world.job_a, "rerun"), {"reason": "again", "seen": "2020-01-01T00:00:00+00:00"}, follow=True
    )
    assert "changed_meanwhile" in response.content.decode()
    assert world.job_a.state == JobState.PARKED


def test_an_unavailable_action_is_shown_disabled_with_its_reason(world: World, client: Client) -> None:
    page = sign_in(client, world.provider_admin_a).get(addresses.record(world.job_a)).content.decode()
    assert "This is not possible while it is “Ready”." in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_foreign_row_answers_like_an_absent_one(world: World, client: Client, method: str) -> None:
    park(world.job_b)
    sign_in(client, world.provider_admin_a)
    absent = Job(pk="00000000-0000-4000-8000-000000000000")
    foreign_answer = getattr(client, method)(addresses.action(world.job_b, "rerun"), {"reason": "x"})
    absent_answer = getattr(client, method)(addresses.action(absent, "rerun"), {"reason": "x"})
    assert (foreign_answer.status_code, absent_answer.status_code) == (404, 404)
    assert world.job_b.state == JobState.PARKED


def test_bulk_acts_on_rows_in_sight_and_counts_what_it_did(world: World, client: Client) -> None:
    park(world.job_a, world.job_b)
    with as_system():
        second = Job.objects.create(kind="core.nothing", dedupe_key="second", organization=world.provider_a)
    response = sign_in(client, world.provider_admin_a).post(
        addresses.bulk(Job, "rerun"),
        {"pk": [str(world.job_a.pk), str(world.job_b.pk), str(second.pk)], "reason": "all of them"},
    )
    page = response.content.decode()
    assert response.status_code == 200
    assert [outcome.refusal and outcome.refusal.code for outcome in response.context["left"]] == ["action_not_now"]
    assert len(response.context["done"]) == 1
    assert str(world.job_b.pk) not in page
    assert (world.job_a.state, world.job_b.state) == (JobState.READY, JobState.PARKED)


def test_bulk_confirm_names_the_rows_and_acts_on_none(world: World, client: Client) -> None:
    park(world.job_a)
    response = sign_in(client, world.provider_admin_a).post(
        addresses.listing(Job), {"action": "rerun", "_selected_action": [str(world.job_a.pk), str(world.job_b.pk)]}
    )
    assert [job.pk for job, _seen in response.context["possible"]] == [world.job_a.pk]
    assert world.job_a.state == JobState.PARKED


def test_bulk_get_is_refused(world: World, client: Client) -> None:
    assert sign_in(client, world.provider_admin_a).get(addresses.bulk(Job, "rerun")).status_code == 405


def test_a_post_without_a_token_is_refused(world: World) -> None:
    strict = sign_in(Client(enforce_csrf_checks=True), world.provider_admin_a)
    park(world.job_a)
    assert strict.post(addresses.action(world.job_a, "rerun"), {"reason": "x"}).status_code == 403
    assert world.job_a.state == JobState.PARKED
