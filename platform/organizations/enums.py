from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Capability(models.TextChoices):
    """What an organization does here; each is a flag of the organization."""

    PROVIDER = "provider", _("Counseling provider")
    FIRM = "firm", _("Law firm")
    SPONSOR = "sponsor", _("Sponsor")
    EMPLOYER = "employer", _("Employer")


class Role(models.TextChoices):
    """Roles a membership may hold; `organizations.roles` says which capability each needs."""

    OWNER = "owner", _("Owner")
    PROVIDER_ADMIN = "provider_admin", _("Provider administrator")
    COUNSELOR = "counselor", _("Counselor")
    ATTORNEY = "attorney", _("Attorney")


class MembershipStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    REMOVED = "removed", _("Removed")


MEMBERSHIP_TRANSITIONS = {
    MembershipStatus.ACTIVE: frozenset({MembershipStatus.SUSPENDED, MembershipStatus.REMOVED}),
    MembershipStatus.SUSPENDED: frozenset({MembershipStatus.ACTIVE, MembershipStatus.REMOVED}),
    MembershipStatus.REMOVED: frozenset({MembershipStatus.ACTIVE}),
}


class ApprovalStatus(models.TextChoices):
    """A provider's standing on the platform."""

    UNDER_REVIEW = "under_review", _("Under review")
    APPROVED = "approved", _("Approved")
    SUSPENDED = "suspended", _("Suspended")
    DENIED = "denied", _("Denied")


APPROVAL_TRANSITIONS = {
    ApprovalStatus.UNDER_REVIEW: frozenset({ApprovalStatus.APPROVED, ApprovalStatus.DENIED}),
    ApprovalStatus.APPROVED: frozenset({ApprovalStatus.SUSPENDED}),
    ApprovalStatus.SUSPENDED: frozenset({ApprovalStatus.APPROVED, ApprovalStatus.DENIED}),
    ApprovalStatus.DENIED: frozenset({ApprovalStatus.UNDER_REVIEW}),
}


class InvitedRole(models.TextChoices):
    """The five roles an invitation may carry."""

    PLATFORM_ADMIN = "platform_admin", _("Platform administrator")
    PROVIDER_ADMIN = "provider_admin", _("Provider administrator")
    COUNSELOR = "counselor", _("Counselor")
    ATTORNEY = "attorney", _("Attorney")
    CLIENT = "client", _("Client")


class InvitationStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    ACCEPTED = "accepted", _("Accepted")
    REVOKED = "revoked", _("Revoked")


INVITATION_TRANSITIONS = {
    InvitationStatus.PENDING: frozenset({InvitationStatus.ACCEPTED, InvitationStatus.REVOKED}),
    InvitationStatus.ACCEPTED: frozenset(),
    InvitationStatus.REVOKED: frozenset(),
}


# The zones of the 94 judicial districts.
TIME_ZONES = [
    (zone, zone.partition("/")[2].replace("_", " "))
    for zone in (
        "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
        "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico", "America/St_Thomas", "Pacific/Guam",
        "Pacific/Saipan", "America/Detroit", "America/Boise", "America/Indiana/Indianapolis",
        "America/Kentucky/Louisville",
    )
]  # fmt: skip
