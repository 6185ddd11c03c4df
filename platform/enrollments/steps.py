"""Whose turn it is with an enrollment, in a few words for lists."""

from __future__ import annotations

from django.utils.translation import gettext as _

from enrollments.enums import EnrollmentStatus, PaymentLabel
from enrollments.models import Enrollment
from enrollments.queries import payment_label
from providers.enums import CourseKind


def next_step(enrollment: Enrollment) -> str:
    """What happens next and by whom, for an enrollment from `with_standing`; empty when nothing does."""
    status = enrollment.status
    if status == EnrollmentStatus.INVITED:
        return _before_acceptance(enrollment)
    is_counseling = enrollment.kind == CourseKind.CC
    words: dict[str, str] = {
        EnrollmentStatus.ENROLLED: _("Client begins the course"),
        EnrollmentStatus.IN_PROGRESS: _("Client takes the course"),
        EnrollmentStatus.REVIEW: _("Counselor talks and completes") if is_counseling else _("Counselor completes"),
        EnrollmentStatus.COMPLETED: _("Certificate is issued"),
        EnrollmentStatus.CERT_ISSUED: "" if is_counseling else _("Court is told"),
    }
    return words.get(status, "")


def _before_acceptance(enrollment: Enrollment) -> str:
    if enrollment.client.user_id is None:
        return _("Client accepts the invitation") if enrollment.client.invitation_id else _("Invite the client")
    if not enrollment.has_acknowledged:
        return _("Client reads the disclosures")
    if not enrollment.client.identity_hash:
        return _("Client fills in details")
    if payment_label(enrollment) == PaymentLabel.CLIENT_PAYS:
        return _("Client pays or asks for a waiver")
    return _("Place is confirmed")
