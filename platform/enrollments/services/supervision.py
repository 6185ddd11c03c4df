"""What staff decide about an enrollment."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from audit.services import record
from core.errors import DomainError
from core.transitions import transition
from enrollments.enums import ENDED, FINISHED, EnrollmentStatus
from enrollments.models import Enrollment
from providers.enums import CourseKind


def cancel_enrollment(enrollment: Enrollment, *, reason: str) -> Enrollment:
    """End an enrollment that is not completed; money is refunded apart from it. DomainError `reason_required`,
    `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(enrollment, EnrollmentStatus.CANCELLED, reason=reason)


@transaction.atomic
def override_cc_time(enrollment: Enrollment, *, reason: str) -> Enrollment:
    """Let one client finish credit counseling in less than sixty minutes, with the reason on the record.

    The rule says such counseling "typically" lasts an hour (28 CFR 58.12(b)(12)); debtor education has no such
    leeway (58.33(g)(1)(i)). DomainError `reason_required`, `override_cc_only`, `enrollment_closed`.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    if locked.kind != CourseKind.CC:
        raise DomainError("override_cc_only")
    if locked.status in ENDED | FINISHED:
        raise DomainError("enrollment_closed")
    locked.cc_override_reason = reason.strip()
    locked._change_reason = reason
    locked.save(update_fields=["cc_override_reason", "updated_at"])
    record("enrollment.time_overridden", locked, reason=reason)
    return locked


@transaction.atomic
def set_deadline(enrollment: Enrollment, deadline: dt.date, *, reason: str) -> Enrollment:
    """Put another deadline on a debtor education enrollment, for instance after a court order.

    DomainError `reason_required`, `enrollment_closed`.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    if locked.kind != CourseKind.DE or locked.status in ENDED:
        raise DomainError("enrollment_closed")
    before = locked.de_filing_deadline
    locked.de_filing_deadline = deadline
    locked._change_reason = reason
    locked.save(update_fields=["de_filing_deadline", "updated_at"])
    record("enrollment.deadline_set", locked, reason=reason, payload={"before": before, "after": deadline})
    return locked
