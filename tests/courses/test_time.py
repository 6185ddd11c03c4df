"""Time that counts: the server's clock, the cap, the idle rule, the pause (CERT-93, CERT-94, CERT-95)."""

from __future__ import annotations

import datetime as dt

import pytest

from core.errors import DomainError
from courses.ledger import verify_ledger
from courses.models import CourseSession
from courses.services import beat, begin_course, pause_course, resume_course
from enrollments.models import Enrollment
from tests.courses.conftest import MORNING, person, serve
from tests.database import as_system

pytestmark = pytest.mark.django_db


def session(enrollment) -> CourseSession:
    return CourseSession.objects.get(enrollment=enrollment)


def test_beginning_opens_a_session_on_the_published_course(studying):
    """CERT-93"""
    begun = session(studying)

    assert Enrollment.objects.get(pk=studying.pk).status == "in_progress"
    assert Enrollment.objects.get(pk=studying.pk).begun_at == MORNING
    assert (str(begun.course), begun.total_seconds, begun.last_seen_at) == ("CC-2026 2026.1", 0, MORNING)


def test_beginning_twice_keeps_the_first_session(studying, world, clock_at):
    """CERT-93"""
    first = session(studying)
    serve(studying, 60, clock_at)

    again = begin_course(studying, world.spouse_user_a)

    assert (again.pk, again.total_seconds) == (first.pk, 60)
    assert CourseSession.objects.filter(enrollment=studying).count() == 1


def test_nobody_begins_a_course_for_someone_else(world):
    with person(world.counselor_a):
        enrollment = Enrollment.objects.get(pk=world.spouse_enrollment_a.pk)
        with pytest.raises(DomainError) as refusal:
            begin_course(enrollment, world.counselor_a)

    assert refusal.value.code == "permission_denied"


def test_a_course_cannot_begin_before_enrolling(world):
    with as_system():
        Enrollment.objects.filter(pk=world.spouse_enrollment_a.pk).update(status="invited")
    with person(world.spouse_user_a):
        enrollment = Enrollment.objects.get(pk=world.spouse_enrollment_a.pk)
        with pytest.raises(DomainError) as refusal:
            begin_course(enrollment, world.spouse_user_a)

    assert refusal.value.code == "transition_not_allowed"


@pytest.mark.parametrize(
    ("gap", "verified", "idle"),
    [(0, 0, 0), (1, 1, 0), (30, 30, 0), (60, 60, 0), (61, 60, 0), (119, 60, 0), (120, 60, 0), (121, 0, 121)],
)
def test_a_gap_counts_up_to_sixty_seconds_and_is_idle_after_two_minutes(studying, clock_at, gap, verified, idle):
    """CERT-94, CERT-95"""
    clock_at.shift(gap)

    seen = beat(studying)

    assert (seen.total_seconds, seen.idle_seconds) == (verified, idle)


def test_a_hair_over_two_minutes_is_idle(studying, clock_at):
    clock_at.shift(dt.timedelta(seconds=120, microseconds=1))

    assert (beat(studying).total_seconds, session(studying).idle_seconds) == (0, 120)


def test_time_goes_on_after_an_idle_gap(studying, clock_at):
    clock_at.shift(500)
    beat(studying)
    clock_at.shift(30)

    seen = beat(studying)

    assert (seen.total_seconds, seen.idle_seconds) == (30, 500)


def test_many_calls_in_one_moment_count_once(studying, clock_at):
    clock_at.shift(30)

    totals = [beat(studying).total_seconds for _ in range(5)]

    assert totals == [30] * 5


def test_parts_of_a_second_are_neither_lost_nor_gained(studying, clock_at):
    for _ in range(20):
        clock_at.shift(dt.timedelta(seconds=0.75))
        beat(studying)

    assert session(studying).total_seconds == 15


def test_a_clock_that_goes_back_judges_nothing(studying, clock_at):
    serve(studying, 60, clock_at)
    clock_at.shift(-45)

    assert beat(studying).total_seconds == 60
    clock_at.shift(45)
    assert beat(studying).total_seconds == 60


def test_a_pause_counts_neither_as_time_nor_as_idle(studying, clock_at):
    serve(studying, 60, clock_at)
    clock_at.shift(20)
    pause_course(studying)
    clock_at.shift(3600)
    beat(studying)
    resume_course(studying)
    clock_at.shift(30)

    seen = beat(studying)

    assert (seen.total_seconds, seen.idle_seconds, verify_ledger(seen)) == (110, 0, None)


def test_pausing_and_resuming_twice_is_once(studying, clock_at):
    serve(studying, 30, clock_at)
    paused = [pause_course(studying).paused_at for _ in range(2)]
    clock_at.shift(60)
    resume_course(studying)
    clock_at.shift(30)
    resume_course(studying)

    assert paused == [clock_at_time(30)] * 2
    assert beat(studying).total_seconds == 60


def clock_at_time(seconds: int) -> dt.datetime:
    return MORNING + dt.timedelta(seconds=seconds)


def test_nothing_is_counted_once_the_counselor_has_it(studying, clock_at):
    serve(studying, 60, clock_at)
    Enrollment.objects.filter(pk=studying.pk).update(status="review")
    clock_at.shift(30)

    assert beat(studying).total_seconds == 60
    with pytest.raises(DomainError) as refusal:
        pause_course(studying)
    assert refusal.value.code == "course_closed"


def test_a_person_spends_a_second_in_one_course_only(studying, world, clock_at):
    with as_system():
        other = Enrollment.objects.get(pk=world.completed_a.pk)
        Enrollment.objects.filter(pk=other.pk).update(status="enrolled", client=studying.client)
        other = Enrollment.objects.select_related("client").get(pk=other.pk)
    begin_course(other, world.spouse_user_a)

    for _ in range(10):
        clock_at.shift(30)
        beat(studying)
        beat(other)

    both = [session(row).total_seconds for row in (studying, other)]
    assert sum(both) == 300
    assert [verify_ledger(session(row)) for row in (studying, other)] == [None, None]


def test_a_heartbeat_without_a_session_is_refused(world):
    with person(world.spouse_user_a), pytest.raises(DomainError) as refusal:
        beat(Enrollment.objects.get(pk=world.spouse_enrollment_a.pk))

    assert refusal.value.code == "course_not_begun"
