"""Courses and time in the console: to look at, to prove, to publish, never to correct."""

from __future__ import annotations

import pytest
from django.test import Client

from courses.models import Course, CourseSession, TestAttempt, TimeLedgerMinute
from tests.admin_site.addresses import action, listing, record
from tests.database import as_system
from tests.factories import cases
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def test_a_counselor_sees_the_verified_time_of_their_own_clients_only(client, world):
    page = sign_in(client, world.counselor_a).get(listing(CourseSession)).content.decode()

    assert "20 of 60 minutes" in page
    assert client.get(record(world.session_a)).status_code == 200
    assert client.get(record(world.session_b)).status_code != 200


def test_the_record_shows_that_the_ledger_holds(client, world):
    page = sign_in(client, world.counselor_a).get(record(world.session_a)).content.decode()

    assert "intact: 20 entries, chain unbroken" in page
    assert "closed, 40 min missing [cc_minimum_time_required]" in page


def test_a_rewritten_total_is_shown(client, world):
    with as_system():
        CourseSession.objects.filter(pk=world.session_a.pk).update(total_seconds=3600)

    page = sign_in(client, world.counselor_a).get(record(world.session_a)).content.decode()

    assert "does not hold, entry 0: the verified time is not the sum of the ledger" in page


def test_the_evidence_is_a_file_for_those_who_may_see_it(client, world):
    url = record(world.session_a, "evidence")
    export = sign_in(client, world.counselor_a).get(url)
    foreign = sign_in(Client(), world.counselor_b).get(url)
    attorney = sign_in(Client(), world.attorney_a).get(url)

    assert (export.json()["verified_seconds"], export.json()["intact"]) == (1200, True)
    assert export.headers["Content-Disposition"].startswith('attachment; filename="time-evidence-')
    assert [foreign.status_code, attorney.status_code] == [404, 403]


@pytest.mark.parametrize("name", ["platform_admin", "provider_admin_a"])
def test_nobody_edits_time_or_scores(client, world, name):
    sign_in(client, getattr(world, name))
    for row in (world.session_a, world.attempt_a):
        client.post(record(row), {"total_seconds": 3600, "score_percent": 100, "passed": "on"})

    with as_system():
        assert CourseSession.objects.get(pk=world.session_a.pk).total_seconds == 1200
        assert TestAttempt.objects.get(pk=world.attempt_a.pk).score_percent is None
        assert TimeLedgerMinute.objects.filter(session=world.session_a).count() == 20


def test_lessons_are_read_in_both_languages(client, world):
    with as_system():
        course = Course.objects.get(kind="CC")
    sign_in(client, world.counselor_a)

    contents = client.get(record(course, "contents")).content.decode()
    lesson = client.get(f"{record(course, 'contents')}?lesson=how-this-session-works").content.decode()

    assert "?lesson=how-this-session-works" in contents
    assert ("How this session works" in lesson, "Cómo funciona esta sesión" in lesson) == (True, True)
    assert client.get(f"{record(course, 'contents')}?lesson=nothing").status_code == 404


def test_the_platform_publishes_a_version_and_a_provider_does_not(client, world):
    with as_system():
        old = Course.objects.get(kind="CC")
        draft = cases.make_course_version(old, "2027.1")
    refused = sign_in(Client(), world.provider_admin_a).post(action(draft, "publish"), {"reason": "New year."})
    sign_in(client, world.platform_admin).post(action(draft, "publish"), {"reason": "New year."})

    with as_system():
        states = dict(Course.objects.filter(kind="CC").values_list("version", "status"))
    assert refused.status_code == 403
    assert states == {"2026.1": "retired", "2027.1": "published"}


@pytest.mark.parametrize("model", [CourseSession, TestAttempt, Course])
def test_the_lists_cost_a_fixed_number_of_queries(client, world, model, django_assert_max_num_queries):
    sign_in(client, world.platform_admin)
    client.get(listing(model))
    with django_assert_max_num_queries(25):
        assert client.get(listing(model)).status_code == 200
