"""Take a course: begin, spend time, answer, hand in.

Locks are always taken in one order: the person's course sessions, then the enrollment. Only `begin_course` locks the
enrollment first, while no session exists yet.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from audit.services import record
from core import clock
from core.errors import DomainError
from core.transitions import transition
from courses import ledger
from courses.enums import CourseStatus
from courses.guards import REVIEW_GUARDS, lessons_guard
from courses.models import Course, CourseSession, Lesson, LessonProgress, TestAttempt
from courses.queries import end_test, has_passed, open_attempt, outline
from enrollments.enums import EnrollmentStatus
from enrollments.guards import BEGINNING
from enrollments.models import Enrollment

PING_SECONDS = 30
MOST_PER_PING = 60
IDLE_AFTER = 120
_TIME_COLUMNS = (*ledger.SESSION_COLUMNS, "last_seen_at", "paused_at", "updated_at")


@transaction.atomic
def begin_course(enrollment: Enrollment, user: User) -> CourseSession:
    """Begin the published course of the enrollment's kind: enrolled → in progress, the clock starts now.

    A second call returns the session of the first. Only the client may begin: `permission_denied` for anyone else;
    `course_unavailable` when no course is published; `transition_not_allowed` from another state; `details_required`,
    `district_not_approved`.
    """
    if enrollment.client.user_id != user.pk:
        raise DomainError("permission_denied")
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    session = CourseSession.objects.filter(enrollment=locked).first()
    if session is not None:
        return session
    course = Course.objects.filter(kind=locked.kind, status=CourseStatus.PUBLISHED).first()
    if course is None:
        raise DomainError("course_unavailable")
    now = clock.now()
    if locked.status != EnrollmentStatus.IN_PROGRESS:
        transition(
            locked,
            EnrollmentStatus.IN_PROGRESS,
            guards=BEGINNING,
            changes={"begun_at": now},
            payload={"course": str(course)},
        )
    return CourseSession.objects.create(enrollment=locked, course=course, opened_at=now, last_seen_at=now)


@transaction.atomic
def beat(enrollment: Enrollment) -> CourseSession:
    """Count the time since the person was seen last, by the server's clock alone, under the lock of the session.

    A gap up to 120 seconds counts, at most 60 seconds of it; a longer one is idle time and adds nothing. Nothing is
    counted while paused or outside `in_progress`. A second spent in one course is never counted in another course of
    the same person. Parallel, repeated and replayed calls find the time already judged and add nothing.
    `course_not_begun` without a session. Returns the session as saved.
    """
    session, judged_until = _locked(enrollment)
    if session.paused_at is None and _is_studying(enrollment):
        _judge(session, clock.now(), judged_until)
        session.save(update_fields=_TIME_COLUMNS)
    return session


def _locked(enrollment: Enrollment) -> tuple[CourseSession, dt.datetime | None]:
    """The enrollment's session under lock, and until when the person's time was judged in any other course."""
    person = enrollment.client.user_id
    mine = Q(enrollment=enrollment.pk)
    if person:
        mine |= Q(enrollment__client__user=person)
    sessions = list(CourseSession.objects.locked().filter(mine))
    own = next((row for row in sessions if row.enrollment_id == enrollment.pk), None)
    if own is None:
        raise DomainError("course_not_begun")
    seen = [row.last_seen_at for row in sessions if row is not own and row.last_seen_at]
    return own, max(seen, default=None)


def _is_studying(enrollment: Enrollment) -> bool:
    """Asked after the lock: a hand-over that held it is seen."""
    return Enrollment.objects.filter(pk=enrollment.pk, status=EnrollmentStatus.IN_PROGRESS).exists()


def _judge(session: CourseSession, now: dt.datetime, judged_until: dt.datetime | None) -> None:
    """Count, cap or call idle the gap that ends now. Parts of a second are carried to the next call, never rounded up;
    a clock that went back judges nothing."""
    last = session.last_seen_at or now
    if now < last:
        return
    if (now - last).total_seconds() > IDLE_AFTER:
        ledger.note_idle(session, now, int((now - last).total_seconds()))
        session.last_seen_at = now
        return
    start = max(last, now - dt.timedelta(seconds=MOST_PER_PING), judged_until or last)
    seconds = max(0, int((now - start).total_seconds()))
    ledger.credit(session, start, seconds)
    session.last_seen_at = start + dt.timedelta(seconds=seconds) if start <= now else last


@transaction.atomic
def pause_course(enrollment: Enrollment) -> CourseSession:
    """Stop the clock for as long as the person wants; time up to now is judged first. Twice is once."""
    session, judged_until = _locked(enrollment)
    _require_studying(enrollment)
    if session.paused_at is None:
        now = clock.now()
        _judge(session, now, judged_until)
        ledger.close_minute(session)
        session.paused_at = now
        session.save(update_fields=_TIME_COLUMNS)
        record("coursesession.paused", session, payload={"verified_seconds": session.total_seconds})
    return session


@transaction.atomic
def resume_course(enrollment: Enrollment) -> CourseSession:
    """Start the clock again; the pause counts neither as verified nor as idle time. Twice is once."""
    session, _judged = _locked(enrollment)
    _require_studying(enrollment)
    if session.paused_at is not None:
        session.paused_at, session.last_seen_at = None, clock.now()
        session.save(update_fields=_TIME_COLUMNS)
        record("coursesession.resumed", session, payload={"verified_seconds": session.total_seconds})
    return session


def _require_studying(enrollment: Enrollment) -> None:
    if not _is_studying(enrollment):
        raise DomainError("course_closed")


@transaction.atomic
def open_lesson(enrollment: Enrollment, lesson_id: object) -> None:
    """Remember the lesson as the person's place and when it was opened first. A lesson that is locked, or of another
    course, changes nothing."""
    session, _judged = _locked(enrollment)
    place = outline(session).at(lesson_id)
    if place is None or not place.is_open or not _is_studying(enrollment):
        return
    if place.progress is None:
        LessonProgress.objects.create(session=session, lesson=place.lesson)
    if session.lesson_id != place.lesson.pk:
        session.lesson = place.lesson
        session.save(update_fields=["lesson", "updated_at"])


@transaction.atomic
def answer_check(enrollment: Enrollment, lesson: Lesson, choice: int | None) -> LessonProgress:
    """Answer the check question of a lesson; the lesson is finished then, and the next one opens.

    A wrong answer is explained and may be tried again as often as wanted; it never holds anyone up. `answer_missing`
    for no such choice, `lesson_locked` before its turn, `course_closed` outside of the course, `course_paused` while
    the clock stands.
    """
    session, _judged = _locked(enrollment)
    _require_open(enrollment, session)
    place = outline(session).at(lesson.pk)
    if place is None or not place.is_open:
        raise DomainError("lesson_locked")
    chosen = lesson.question.option(choice)
    if chosen is None:
        raise DomainError("answer_missing")
    row = place.progress or LessonProgress(session=session, lesson=lesson)
    row.chosen, row.was_correct = chosen.number, chosen.is_correct
    row.finished_at = row.finished_at or clock.now()
    row.save()
    session.lesson = lesson
    session.save(update_fields=["lesson", "updated_at"])
    return row


def _require_open(enrollment: Enrollment, session: CourseSession) -> None:
    _require_studying(enrollment)
    if session.paused_at is not None:
        raise DomainError("course_paused")


@transaction.atomic
def start_attempt(enrollment: Enrollment) -> TestAttempt:
    """Begin the end test, or go on with the attempt that is open. Any number of attempts, one at a time, until one is
    passed (`test_passed`); `lessons_unfinished` before the last lesson."""
    session, _judged = _locked(enrollment)
    _require_open(enrollment, session)
    running = open_attempt(session)
    if running is not None:
        return running
    if has_passed(session):
        raise DomainError("test_passed")
    if refusal := lessons_guard(enrollment):
        raise refusal
    return TestAttempt.objects.create(session=session, number=session.attempts.count() + 1)


@transaction.atomic
def save_answers(enrollment: Enrollment, answers: Mapping[str, int]) -> TestAttempt:
    """Keep answers (question slug to number of the choice) in the open attempt, beside those kept before. Unknown
    questions and choices are left out. `attempt_closed` when no attempt is open."""
    session, _judged = _locked(enrollment)
    _require_studying(enrollment)
    attempt = _running(session)
    known = {question.slug: len(question.choices) for question in end_test(session)}
    fresh = {slug: number for slug, number in answers.items() if 0 <= number < known.get(slug, 0)}
    attempt.answers = attempt.answers | fresh
    attempt.save(update_fields=["answers", "updated_at"])
    return attempt


def _running(session: CourseSession) -> TestAttempt:
    attempt = open_attempt(session)
    if attempt is None:
        raise DomainError("attempt_closed")
    return attempt


@transaction.atomic
def submit_attempt(enrollment: Enrollment) -> TestAttempt:
    """Hand in the open attempt: the score in full percent, a question without an answer counts as wrong.

    Below the pass mark nothing is failed or withheld: the counselor goes over the test with the client (28 CFR 58.33).
    `attempt_closed` when no attempt is open.
    """
    session, _judged = _locked(enrollment)
    _require_studying(enrollment)
    attempt = _running(session)
    questions = end_test(session)
    right = sum(_is_right(question.option(attempt.answers.get(question.slug))) for question in questions)
    attempt.score_percent = 100 * right // len(questions)
    attempt.passed = 100 * right >= session.course.pass_mark_percent * len(questions)
    attempt.submitted_at = clock.now()
    attempt.save(update_fields=["score_percent", "passed", "submitted_at", "updated_at"])
    payload = {"attempt": attempt.number, "score_percent": attempt.score_percent, "passed": attempt.passed}
    record("testattempt.submitted", attempt, payload=payload)
    return attempt


def _is_right(choice: object) -> bool:
    return bool(getattr(choice, "is_correct", False))


@transaction.atomic
def submit_for_review(enrollment: Enrollment) -> Enrollment:
    """Send the enrollment to the counselor: in progress → review, `submitted_at` now, the ledger's open minute closed.

    The first thing missing is raised: `course_not_begun`, `cc_minimum_time_required` or `de_minimum_time_required`,
    `lessons_unfinished`, `test_missing`. Judged on time that heartbeats verified; this call adds none.
    """
    session, _judged = _locked(enrollment)
    moved = transition(
        enrollment,
        EnrollmentStatus.REVIEW,
        guards=REVIEW_GUARDS,
        changes={"submitted_at": clock.now()},
        payload={"verified_seconds": session.total_seconds, "idle_seconds": session.idle_seconds},
    )
    ledger.close_minute(session)
    session.paused_at = None
    session.save(update_fields=_TIME_COLUMNS)
    return moved
