"""What stands between a counselor and a completed enrollment; page, API, console and services ask the same."""

from __future__ import annotations

import datetime as dt

from certificates.clocks import completion_day
from core import clock
from core.errors import DomainError
from courses.guards import begun_guard, session_of, time_guard
from courses.queries import needs_contact
from enrollments.models import CounselorInteraction, Enrollment
from providers.enums import CourseKind
from providers.services.standing import refuse_unserved


def counted_interaction(enrollment: Enrollment) -> CounselorInteraction | None:
    """The last talk that counts: identity was confirmed, and it ended after the client had handed the course in."""
    talks = CounselorInteraction.objects.filter(enrollment_id=enrollment.pk, identity_confirmed=True)
    if enrollment.submitted_at:
        talks = talks.filter(ended_at__gte=enrollment.submitted_at)
    return talks.select_related("counselor").order_by("-ended_at").first()


def needs_interaction(enrollment: Enrollment) -> bool:
    """Whether a talk is required: always for counseling (28 CFR 58.22(a)), and for debtor education when the test was
    never passed (28 CFR 58.33(g))."""
    if enrollment.kind == CourseKind.CC:
        return True
    session = session_of(enrollment)
    return session is not None and needs_contact(session)


def interaction_guard(enrollment: Enrollment) -> DomainError | None:
    """`interaction_required` until a required talk is on record."""
    if needs_interaction(enrollment) and counted_interaction(enrollment) is None:
        return DomainError("interaction_required")
    return None


def completion_moment(enrollment: Enrollment) -> dt.datetime:
    """When the service is complete: for counseling the end of the talk (28 CFR 58.22(a)), otherwise now. An
    enrollment that is completed keeps its moment."""
    if enrollment.completed_at:
        return enrollment.completed_at
    talk = counted_interaction(enrollment) if enrollment.kind == CourseKind.CC else None
    return talk.ended_at if talk else clock.now()


def district_guard(enrollment: Enrollment) -> DomainError | None:
    """`district_not_approved` unless the provider was approved for this service in the enrollment's district on the
    day of completion, on the court's clock (11 U.S.C. 111(a), (b))."""
    day = completion_day(completion_moment(enrollment), enrollment.district_id)
    return refuse_unserved(enrollment.provider, enrollment.district_id, enrollment.kind, day)


COMPLETION_GUARDS = (begun_guard, time_guard, interaction_guard, district_guard)


def completion_guard(enrollment: Enrollment) -> DomainError | None:
    """The first thing that keeps the enrollment from being completed. Money is none of them (28 CFR 58.22(c))."""
    return next((refusal for guard in COMPLETION_GUARDS if (refusal := guard(enrollment))), None)
