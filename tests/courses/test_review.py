"""The end test and the way to the counselor (CERT-96, CERT-97, CERT-98, CERT-A13)."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from audit.models import AuditEvent
from core.errors import DomainError
from courses import ledger
from courses.guards import why_blocked
from courses.models import Course, CourseSession, Lesson
from courses.publishing import publish_course
from courses.queries import end_test, needs_contact, outline
from courses.services import (
    answer_check,
    beat,
    begin_course,
    save_answers,
    start_attempt,
    submit_attempt,
    submit_for_review,
)
from enrollments.models import Enrollment
from tests.courses.conftest import MORNING, serve
from tests.database import as_system
from tests.factories import cases

pytestmark = pytest.mark.django_db


def session(enrollment) -> CourseSession:
    return CourseSession.objects.get(enrollment=enrollment)


def finish_lessons(enrollment) -> None:
    for place in outline(session(enrollment)).places:
        lesson = Lesson.objects.select_related("question").get(pk=place.lesson.pk)
        answer_check(enrollment, lesson, 0)


def sit_test(enrollment, *, right: int):
    """Hand in the test with `right` right answers and the others wrong."""
    start_attempt(enrollment)
    answers = {
        question.slug: next(o.number for o in question.options() if o.is_correct is (index < right))
        for index, question in enumerate(end_test(session(enrollment)))
    }
    save_answers(enrollment, answers)
    return submit_attempt(enrollment)


def give_time(enrollment, seconds: int) -> None:
    """Bring the session to `seconds` with a true ledger."""
    row = session(enrollment)
    ledger.credit(row, MORNING, seconds - row.total_seconds)
    row.save(update_fields=ledger.SESSION_COLUMNS)


def refused(enrollment) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        submit_for_review(enrollment)
    return refusal.value


@pytest.fixture
def finished(studying):
    """Everything done but the time."""
    finish_lessons(studying)
    sit_test(studying, right=10)
    return studying


@pytest.fixture
def debtor(studying, world):
    """The same person in debtor education, everything done but the time."""
    with as_system():
        Enrollment.objects.filter(pk=world.completed_a.pk).update(status="enrolled", client=studying.client)
    enrollment = Enrollment.objects.select_related("client").get(pk=world.completed_a.pk)
    begin_course(enrollment, world.spouse_user_a)
    finish_lessons(enrollment)
    sit_test(enrollment, right=15)
    return enrollment


def test_one_second_short_of_counseling_is_blocked_with_its_numbers(finished):
    """CERT-96, CERT-97"""
    give_time(finished, 3599)

    refusal = refused(finished).as_dict()

    assert refusal["code"] == "cc_minimum_time_required"
    assert refusal["sentence"] == "You have 59 min 59 s of the 60 min of verified time that credit counseling takes."
    assert refusal["next_action"] == "Go on with the course for 1 s more. Reading a finished lesson again counts too."
    numbers = {name: refusal["numbers"][name] for name in ("verified_seconds", "required_seconds", "missing_seconds")}
    assert numbers == {"verified_seconds": 3599, "required_seconds": 3600, "missing_seconds": 1}


def test_an_hour_of_counseling_is_enough(finished):
    """CERT-96, CERT-98"""
    give_time(finished, 3600)

    moved = submit_for_review(finished)

    assert (moved.status, moved.submitted_at) == ("review", MORNING)
    assert list(Enrollment.objects.awaiting_counselor().filter(pk=finished.pk)) == [finished]
    assert ledger.verify_ledger(session(finished)) is None
    assert session(finished).open_minute is None


def test_one_second_short_of_education_is_blocked(debtor):
    """CERT-96"""
    give_time(debtor, 7199)

    assert refused(debtor).code == "de_minimum_time_required"


def test_two_hours_of_education_are_enough(debtor):
    """CERT-96"""
    give_time(debtor, 7200)

    assert submit_for_review(debtor).status == "review"


def test_an_override_opens_the_counseling_gate_and_no_other(finished, debtor):
    Enrollment.objects.filter(pk__in=[finished.pk, debtor.pk]).update(cc_override_reason="Knows the matter; 58.12.")
    give_time(finished, 1800)
    give_time(debtor, 3600)

    assert submit_for_review(finished).status == "review"
    assert refused(debtor).code == "de_minimum_time_required"


def test_everything_missing_is_listed_in_both_languages(studying):
    """CERT-W06"""
    codes = [refusal.code for refusal in why_blocked(studying)]
    with override("es"):
        sentences = [refusal.sentence for refusal in why_blocked(studying)]

    assert codes == ["cc_minimum_time_required", "lessons_unfinished", "test_missing"]
    assert sentences == [
        "Lleva 0 min de los 60 min de tiempo verificado que pide la asesoría de crédito.",
        "Ha terminado 0 de 14 lecciones.",
        "Todavía no ha entregado la prueba.",
    ]


def test_lessons_and_test_are_asked_for_once_the_time_is_served(studying):
    give_time(studying, 3600)
    assert refused(studying).code == "lessons_unfinished"

    finish_lessons(studying)
    assert refused(studying).code == "test_missing"


def test_an_enrollment_is_sent_once(finished):
    give_time(finished, 3600)
    submit_for_review(finished)

    assert refused(finished).code == "transition_not_allowed"


def test_a_course_not_begun_says_so(world):
    with as_system():
        assert [r.code for r in why_blocked(world.spouse_enrollment_a)] == ["course_not_begun"]


def test_time_goes_on_after_the_counselor_sent_it_back(finished, clock_at):
    give_time(finished, 3600)
    submit_for_review(finished)
    clock_at.shift(86_400)
    Enrollment.objects.filter(pk=finished.pk).update(status="in_progress")
    serve(finished, 90, clock_at)

    back = beat(finished)
    assert (back.total_seconds, back.idle_seconds, ledger.verify_ledger(back)) == (3660, 86_430, None)


@pytest.mark.parametrize(("right", "score", "passed"), [(10, 100, True), (7, 70, True), (6, 60, False), (0, 0, False)])
def test_the_pass_mark_is_seventy_percent(studying, right, score, passed):
    finish_lessons(studying)

    attempt = sit_test(studying, right=right)

    assert (attempt.score_percent, attempt.passed) == (score, passed)
    assert needs_contact(session(studying)) is not passed


def test_a_low_score_holds_nothing_back(studying):
    finish_lessons(studying)
    sit_test(studying, right=2)
    give_time(studying, 3600)

    assert submit_for_review(studying).status == "review"
    assert needs_contact(session(studying)) is True


def test_the_test_may_be_taken_again_until_it_is_passed(studying):
    finish_lessons(studying)
    numbers = [sit_test(studying, right=right).number for right in (0, 5, 8)]

    with pytest.raises(DomainError) as refusal:
        start_attempt(studying)

    assert (numbers, refusal.value.code) == ([1, 2, 3], "test_passed")


def test_the_test_opens_after_the_last_lesson(studying):
    with pytest.raises(DomainError) as refusal:
        start_attempt(studying)

    assert refusal.value.code == "lessons_unfinished"


def test_answers_are_kept_as_they_come_and_nonsense_is_left_out(studying):
    finish_lessons(studying)
    first, second, *_ = [question.slug for question in end_test(session(studying))]
    started = start_attempt(studying)

    save_answers(studying, {first: 1, "made-up": 2})
    save_answers(studying, {second: 0, first: 99})

    assert start_attempt(studying).pk == started.pk
    assert start_attempt(studying).answers == {first: 1, second: 0}


def test_a_test_is_handed_in_once(studying):
    finish_lessons(studying)
    sit_test(studying, right=3)

    with pytest.raises(DomainError) as refusal:
        submit_attempt(studying)

    assert refusal.value.code == "attempt_closed"


def test_handing_in_leaves_evidence(studying):
    finish_lessons(studying)
    attempt = sit_test(studying, right=6)

    with as_system():
        event = AuditEvent.objects.get(target_id=str(attempt.pk))
    assert (event.act, event.payload) == (
        "testattempt.submitted",
        {"attempt": 1, "score_percent": 60, "passed": False},
    )


def test_publishing_a_version_retires_the_one_before(studying):
    with as_system():
        old = session(studying).course
        new = cases.make_course_version(old, "2027.1")
        publish_course(new)
        old.refresh_from_db()

        assert (old.status, new.__class__.objects.get(pk=new.pk).status) == ("retired", "published")
        assert session(studying).course_id == old.pk


def test_an_incomplete_course_is_not_published(world):
    with as_system():
        old = Course.objects.get(kind="CC")
        draft = Course.objects.create(code="CC-X", version="1", kind="CC", title_en="X", title_es="X")
        with pytest.raises(DomainError) as refusal:
            publish_course(draft)
        old.refresh_from_db()

    assert (refusal.value.code, old.status) == ("course_incomplete", "published")
