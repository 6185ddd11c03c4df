"""Where a provider may serve clients, and the platform's word on whether it may at all."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from audit.services import record
from core.errors import DomainError
from core.transitions import transition
from organizations.enums import ApprovalStatus
from organizations.models import Organization, ProviderProfile
from providers.enums import ApplicationStatus, CourseKind
from providers.models import District, DistrictApproval, ProviderApplication
from providers.permissions import DECIDE, require_platform


def serves(provider: Organization, court_id: str, kind: str, on: dt.date) -> bool:
    """Whether the provider holds an approval for `kind` in the court's district on the day `on`."""
    return DistrictApproval.objects.filter(provider=provider, district_id=court_id, kind=kind).in_force(on).exists()


def refuse_unserved(provider: Organization, court_id: str, kind: str, on: dt.date) -> DomainError | None:
    """The refusal `district_not_approved` when the provider does not serve there, naming provider, service and
    district; None when it does."""
    if serves(provider, court_id, kind, on):
        return None
    district = District.objects.filter(court_id=court_id).first()
    return DomainError(
        "district_not_approved",
        provider=provider.name,
        service=str(CourseKind(kind).label),
        district=district.name if district else court_id,
    )


@transaction.atomic
def approve_and_activate(provider: Organization, *, reason: str = "") -> ProviderProfile:
    """Approve a provider and open it to the public; its application, if under review, is approved with it.

    What is done already is left alone, so that a second click changes nothing. DomainError `permission_denied`,
    `transition_not_allowed` (a denied provider).
    """
    require_platform(DECIDE)
    profile = ProviderProfile.objects.locked().get(organization=provider)
    if profile.approval_status != ApprovalStatus.APPROVED:
        profile = transition(
            profile, ApprovalStatus.APPROVED, field="approval_status", reason=reason, changes={"is_active": True}
        )
    elif not profile.is_active:
        profile.is_active = True
        profile._change_reason = reason or None
        profile.save(update_fields=["is_active", "updated_at"])
        record("providerprofile.activated", profile, reason=reason)
    for application in ProviderApplication.objects.filter(provider=provider, status=ApplicationStatus.UNDER_REVIEW):
        transition(application, ApplicationStatus.APPROVED, reason=reason)
    return profile


def suspend_provider(provider: Organization, *, reason: str) -> ProviderProfile:
    """Close an approved provider at once (28 CFR 58.24(r)): it leaves the public list, its clients are told to call.

    DomainError `permission_denied`, `reason_required`, `transition_not_allowed`.
    """
    require_platform(DECIDE)
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(
        provider.provider_profile,
        ApprovalStatus.SUSPENDED,
        field="approval_status",
        reason=reason,
        changes={"is_active": False},
    )


def reinstate_provider(provider: Organization, *, reason: str) -> ProviderProfile:
    """Open a suspended provider again. DomainError `permission_denied`, `reason_required`,
    `transition_not_allowed`."""
    require_platform(DECIDE)
    if not reason.strip():
        raise DomainError("reason_required")
    if provider.provider_profile.approval_status != ApprovalStatus.SUSPENDED:
        raise DomainError(
            "transition_not_allowed",
            before=provider.provider_profile.approval_status,
            after=ApprovalStatus.APPROVED.value,
        )
    return approve_and_activate(provider, reason=reason)
