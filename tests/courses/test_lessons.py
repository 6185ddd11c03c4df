"""Lessons in their order, their check questions, and the place a person left (CERT-A12)."""

from __future__ import annotations

import pytest

from core.errors import DomainError
from courses.models import CourseSession, Lesson, LessonProgress, Question
from courses.queries import outline
from courses.reading import lesson_html
from courses.services import answer_check, open_lesson, pause_course
from enrollments.models import Enrollment
from tests.courses.conftest import person

pytestmark = pytest.mark.django_db


def way(enrollment):
    return outline(CourseSession.objects.get(enrollment=enrollment))


def lesson_at(enrollment, number: int) -> Lesson:
    return Lesson.objects.select_related("question").get(pk=way(enrollment).places[number - 1].lesson.pk)


def choice(lesson: Lesson, *, is_correct: bool) -> int:
    return next(option.number for option in lesson.question.options() if option.is_correct is is_correct)


def test_only_the_first_lesson_is_open_at_the_beginning(studying):
    assert [place.state for place in way(studying).places][:3] == ["current", "locked", "locked"]


def test_an_answer_finishes_the_lesson_and_opens_the_next(studying):
    first = lesson_at(studying, 1)

    row = answer_check(studying, first, choice(first, is_correct=True))

    assert row.was_correct is True
    assert [place.state for place in way(studying).places][:3] == ["done", "current", "locked"]


def test_a_wrong_answer_holds_nobody_up_and_may_be_tried_again(studying):
    first = lesson_at(studying, 1)
    finished = answer_check(studying, first, choice(first, is_correct=False)).finished_at

    again = answer_check(studying, first, choice(first, is_correct=True))

    assert (again.was_correct, again.finished_at) == (True, finished)
    assert LessonProgress.objects.filter(session__enrollment=studying).count() == 1


def test_a_lesson_cannot_be_answered_before_its_turn(studying):
    third = lesson_at(studying, 3)
    with pytest.raises(DomainError) as refusal:
        answer_check(studying, third, 0)

    assert refusal.value.code == "lesson_locked"
    assert way(studying).finished == 0


@pytest.mark.parametrize("number", [None, 99, -1])
def test_an_answer_must_be_one_of_the_choices(studying, number):
    with pytest.raises(DomainError) as refusal:
        answer_check(studying, lesson_at(studying, 1), number)

    assert refusal.value.code == "answer_missing"


def test_a_paused_course_takes_no_answers(studying):
    pause_course(studying)
    with pytest.raises(DomainError) as refusal:
        answer_check(studying, lesson_at(studying, 1), 0)

    assert refusal.value.code == "course_paused"


def test_a_course_with_the_counselor_takes_no_answers(studying):
    Enrollment.objects.filter(pk=studying.pk).update(status="review")
    with pytest.raises(DomainError) as refusal:
        answer_check(studying, lesson_at(studying, 1), 0)

    assert refusal.value.code == "course_closed"


def test_the_place_is_remembered_for_the_next_device(studying, world):
    first = lesson_at(studying, 1)
    answer_check(studying, first, 0)
    second = lesson_at(studying, 2)

    open_lesson(studying, second.pk)

    with person(world.spouse_user_a):
        session = CourseSession.objects.get(enrollment=studying)
        assert session.lesson_id == second.pk
        assert outline(session).at(second.pk).progress.finished_at is None


def test_a_locked_lesson_is_no_place(studying):
    open_lesson(studying, lesson_at(studying, 5).pk)

    assert CourseSession.objects.get(enrollment=studying).lesson_id is None


def test_the_outline_costs_three_queries_however_long_the_course(studying, django_assert_num_queries):
    session = CourseSession.objects.get(enrollment=studying)
    with django_assert_num_queries(3):
        found = outline(session)

    assert (len(found.parts), len(found.places)) == (6, 14)


def test_a_lesson_is_cleaned_html(studying):
    lesson = Lesson(body_en="## Title\n\n1. one\n2. **two** <script>alert(1)</script> <a href='x'>y</a>")

    assert lesson_html(lesson) == "<h2>Title</h2>\n<ol>\n<li>one</li>\n<li><strong>two</strong>  y</li>\n</ol>"


def test_every_check_question_has_one_right_answer(studying):
    rights = [sum(option.is_correct for option in question.options()) for question in Question.objects.all()]

    assert set(rights) == {1}
