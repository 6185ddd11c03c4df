"""From invited to enrolled."""

from __future__ import annotations

from core import clock
from core.transitions import blocked_by, transition
from enrollments.enums import EnrollmentStatus
from enrollments.guards import ACCEPTANCE
from enrollments.models import Enrollment


def accept_enrollment(enrollment: Enrollment) -> Enrollment:
    """Move `invited` to `enrolled`; the moment is kept in `enrolled_at`.

    DomainError `disclosure_required`, `payment_required`, `transition_not_allowed`.
    """
    return transition(enrollment, EnrollmentStatus.ENROLLED, guards=ACCEPTANCE, changes={"enrolled_at": clock.now()})


def accept_if_ready(enrollment: Enrollment) -> Enrollment:
    """Accept an invited enrollment when nothing stands in the way; otherwise return it as it is."""
    if enrollment.status != EnrollmentStatus.INVITED or blocked_by(enrollment, ACCEPTANCE) is not None:
        return enrollment
    return accept_enrollment(enrollment)
