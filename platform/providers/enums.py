from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CourseKind(models.TextChoices):
    """The two services of the Bankruptcy Code: before filing (11 U.S.C. 109(h)) and after it (111, 727(a)(11))."""

    CC = "CC", _("Credit counseling")
    DE = "DE", _("Debtor education")


class DistrictApprovalStatus(models.TextChoices):
    PROBATIONARY = "probationary", _("Approved, probationary")
    APPROVED = "approved", _("Approved for one year")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    REMOVED = "removed", _("Removed")


IN_FORCE = frozenset({DistrictApprovalStatus.PROBATIONARY, DistrictApprovalStatus.APPROVED})
DISTRICT_APPROVAL_TRANSITIONS = {
    DistrictApprovalStatus.PROBATIONARY: frozenset(
        {DistrictApprovalStatus.APPROVED, DistrictApprovalStatus.WITHDRAWN, DistrictApprovalStatus.REMOVED}
    ),
    DistrictApprovalStatus.APPROVED: frozenset({DistrictApprovalStatus.WITHDRAWN, DistrictApprovalStatus.REMOVED}),
    DistrictApprovalStatus.WITHDRAWN: frozenset({DistrictApprovalStatus.PROBATIONARY}),
    DistrictApprovalStatus.REMOVED: frozenset({DistrictApprovalStatus.PROBATIONARY}),
}


class ApplicationStatus(models.TextChoices):
    SUBMITTED = "submitted", _("Submitted")
    UNDER_REVIEW = "under_review", _("Under review")
    APPROVED = "approved", _("Approved")
    DENIED = "denied", _("Denied")


APPLICATION_TRANSITIONS = {
    ApplicationStatus.SUBMITTED: frozenset({ApplicationStatus.UNDER_REVIEW, ApplicationStatus.DENIED}),
    ApplicationStatus.UNDER_REVIEW: frozenset({ApplicationStatus.APPROVED, ApplicationStatus.DENIED}),
    ApplicationStatus.APPROVED: frozenset(),
    ApplicationStatus.DENIED: frozenset({ApplicationStatus.UNDER_REVIEW}),
}
