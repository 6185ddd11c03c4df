"""The course on the person's one page: begin, go on, what is missing, hand over."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from courses.enums import CourseStatus
from courses.guards import why_blocked
from courses.models import Course, CourseSession
from courses.queries import last_result, needs_contact, outline
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from website.course_player import READABLE, Player, course_url, way_on


def section(request: HttpRequest, enrollment: Enrollment) -> dict[str, Any] | None:
    """What `website/sections/courses.html` shows; None before the place is accepted and after a cancellation.

    `state` is begin, studying, paused or done.
    """
    if enrollment.status == EnrollmentStatus.ENROLLED:
        course = Course.objects.filter(kind=enrollment.kind, status=CourseStatus.PUBLISHED).first()
        return {"state": "begin", "course": course, "begin_url": course_url("begin", enrollment)}
    session = CourseSession.objects.filter(enrollment=enrollment).select_related("course").first()
    if session is None or enrollment.status not in READABLE:
        return None
    return _under_way(Player(enrollment, session, outline(session)))


def _under_way(player: Player) -> dict[str, Any]:
    enrollment = player.enrollment
    state = "done" if not player.is_studying else "paused" if player.is_paused else "studying"
    return {
        "state": state,
        "course": player.session.course,
        "meter": player.meter,
        "way": player.way,
        "place": player.place,
        "resume_url": way_on(player),
        "study_url": course_url("study", enrollment),
        "test_url": course_url("test", enrollment),
        "resume_action": course_url("resume", enrollment),
        "submit_url": course_url("submit", enrollment),
        "refusals": why_blocked(enrollment) if player.is_studying else [],
        "result": last_result(player.session),
        "needs_contact": needs_contact(player.session),
    }
