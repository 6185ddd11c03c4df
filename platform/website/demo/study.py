"""Take a course as somebody did, lesson by lesson, with a true ledger of the time."""

from __future__ import annotations

import datetime as dt

from accounts.models import User
from core import clock
from core.context import acting
from courses import ledger
from courses.models import CourseSession, Question
from courses.queries import end_test, outline
from courses.services import answer_check, begin_course, save_answers, start_attempt, submit_attempt
from enrollments.models import Enrollment
from organizations.actors import load_actor

SITTING = 70 * 60
BREAK = 25 * 60
PASSED_WRONG, FAILED_WRONG = 1, 5


def take_course(
    enrollment: Enrollment, user: User, begun: dt.datetime, *, seconds: int, lessons: int | None, test: str = ""
) -> dt.datetime:
    """Begin at `begun` and study `seconds` verified seconds, with a break after seventy minutes; finish `lessons` (all
    when None) evenly over the time; hand in the end test when `test` is `passed` or `failed`. Returns when it ended."""
    with acting(load_actor(user)):
        with clock.held_at(begun):
            session = begin_course(enrollment, user)
        places = outline(session).places
        chosen = places if lessons is None else places[:lessons]
        moment = begun
        for number, place in enumerate(chosen, 1):
            due = seconds * number // len(chosen) - session.total_seconds
            moment = _spend(enrollment, moment, due)
            with clock.held_at(moment):
                answer_check(enrollment, place.lesson, _right(place.lesson.question))
            session.refresh_from_db()
        if test:
            with clock.held_at(moment):
                _take_test(enrollment, session, test)
    return moment


def _spend(enrollment: Enrollment, moment: dt.datetime, seconds: int) -> dt.datetime:
    """What heartbeats every half minute would have written, in far fewer statements; returns when it ended."""
    session = CourseSession.objects.locked().get(enrollment=enrollment)
    left_in_sitting = SITTING - session.total_seconds % SITTING
    for part in (min(seconds, left_in_sitting), max(0, seconds - left_in_sitting)):
        ledger.credit(session, moment, part)
        moment += dt.timedelta(seconds=part)
        if part == left_in_sitting:
            moment += dt.timedelta(seconds=BREAK)
            ledger.note_idle(session, moment, BREAK)
    session.last_seen_at = moment
    session.save(update_fields=[*ledger.SESSION_COLUMNS, "last_seen_at", "updated_at"])
    return moment


def _right(question: Question) -> int:
    return next(option.number for option in question.options() if option.is_correct)


def _wrong(question: Question) -> int:
    return next(option.number for option in question.options() if not option.is_correct)


def _take_test(enrollment: Enrollment, session: CourseSession, result: str) -> None:
    wrong = PASSED_WRONG if result == "passed" else FAILED_WRONG
    questions = end_test(session)
    answers = {
        question.slug: _wrong(question) if number < wrong else _right(question)
        for number, question in enumerate(questions)
    }
    start_attempt(enrollment)
    save_answers(enrollment, answers)
    submit_attempt(enrollment)
