"""The course on the person's one page."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils.translation import override

from courses.models import CourseSession
from enrollments.models import Enrollment
from tests.courses.conftest import person
from tests.database import as_system
from website.sections.courses import section

pytestmark = pytest.mark.django_db


def shown(enrollment) -> dict | None:
    return section(RequestFactory().get("/"), enrollment)


def test_an_accepted_place_offers_to_begin(world):
    with person(world.spouse_user_a):
        context = shown(world.spouse_enrollment_a)

    assert (context["state"], context["begin_url"]) == ("begin", f"/course/{world.spouse_enrollment_a.pk}/begin")
    assert "Begin Course" in render_to_string("website/sections/courses.html", context)


def test_a_course_under_way_shows_the_meter_the_place_and_what_is_missing(world):
    with person(world.client_user_a):
        context = shown(Enrollment.objects.get(pk=world.studying_a.pk))

    page = render_to_string("website/sections/courses.html", context)
    assert (context["state"], context["meter"].shown) == ("studying", "20 of 60 minutes")
    assert [refusal.code for refusal in context["refusals"]] == [
        "cc_minimum_time_required", "lessons_unfinished", "test_missing",
    ]  # fmt: skip
    assert context["resume_url"] in page
    assert "submit" not in page


def test_a_paused_course_offers_to_go_on(world):
    with as_system():
        session = CourseSession.objects.get(enrollment=world.studying_a)
        CourseSession.objects.filter(pk=session.pk).update(paused_at=session.opened_at)
    with person(world.client_user_a), override("es"):
        context = shown(Enrollment.objects.get(pk=world.studying_a.pk))
        page = render_to_string("website/sections/courses.html", context)

    assert context["state"] == "paused"
    assert "Seguir con el curso" in page


def test_a_course_with_the_counselor_offers_nothing_to_do(world):
    with person(world.client_user_a):
        context = shown(Enrollment.objects.get(pk=world.review_a.pk))

    assert (context["state"], context["refusals"]) == ("done", [])
    assert "<form" not in render_to_string("website/sections/courses.html", context)


@pytest.mark.parametrize("status", ["invited", "cancelled"])
def test_before_and_beside_the_course_there_is_nothing(world, status):
    with as_system():
        Enrollment.objects.filter(pk=world.spouse_enrollment_a.pk).update(status=status)
        enrollment = Enrollment.objects.get(pk=world.spouse_enrollment_a.pk)
        assert shown(enrollment) is None
