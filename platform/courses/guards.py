"""What stands between a client and the counselor. Page, API, console and services ask the same functions."""

from __future__ import annotations

from core.errors import DomainError
from courses.gates import TimeGate, time_gate
from courses.models import CourseSession
from courses.queries import end_test, outline
from courses.wording import span_text
from enrollments.models import Enrollment


def session_of(enrollment: Enrollment) -> CourseSession | None:
    """The enrollment's course session as it is now, or None before the course was begun."""
    return CourseSession.objects.filter(enrollment_id=enrollment.pk).first()


def gate_of(enrollment: Enrollment, verified_seconds: int) -> TimeGate:
    """The time gate of this enrollment: a reason recorded by a supervisor opens a counseling gate, never another."""
    return time_gate(enrollment.kind, verified_seconds, cc_override=bool(enrollment.cc_override_reason.strip()))


def begun_guard(enrollment: Enrollment) -> DomainError | None:
    return None if session_of(enrollment) else DomainError("course_not_begun")


def time_guard(enrollment: Enrollment) -> DomainError | None:
    """`cc_minimum_time_required` or `de_minimum_time_required` with verified, required and missing seconds."""
    session = session_of(enrollment)
    gate = gate_of(enrollment, session.total_seconds if session else 0)
    return time_refusal(gate)


def time_refusal(gate: TimeGate) -> DomainError | None:
    """A closed gate as a refusal with its numbers."""
    if gate.code is None:
        return None
    return DomainError(
        gate.code,
        verified_seconds=gate.verified_seconds,
        required_seconds=gate.required_seconds,
        missing_seconds=gate.missing_seconds,
        verified=span_text(gate.verified_seconds),
        required=span_text(gate.required_seconds),
        missing=span_text(gate.missing_seconds),
    )


def lessons_guard(enrollment: Enrollment) -> DomainError | None:
    """`lessons_unfinished` with finished and all lessons."""
    session = session_of(enrollment)
    if session is None:
        return DomainError("course_not_begun")
    way = outline(session)
    return None if way.is_done else DomainError("lessons_unfinished", finished=way.finished, lessons=len(way.places))


def end_test_guard(enrollment: Enrollment) -> DomainError | None:
    """`test_missing` until the end test was handed in once. A low score is no obstacle: it leads to a talk."""
    session = session_of(enrollment)
    if session is None:
        return DomainError("course_not_begun")
    if session.attempts.exclude(submitted_at=None).exists():
        return None
    questions = len(end_test(session))
    return DomainError("test_missing", questions=questions) if questions else None


REVIEW_GUARDS = (begun_guard, time_guard, lessons_guard, end_test_guard)


def why_blocked(enrollment: Enrollment) -> list[DomainError]:
    """Everything that still keeps the enrollment from the counselor, in the order of the guards."""
    if refusal := begun_guard(enrollment):
        return [refusal]
    return [refusal for guard in REVIEW_GUARDS if (refusal := guard(enrollment))]
