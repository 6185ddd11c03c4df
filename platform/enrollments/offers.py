"""Whether a provider can offer a course somewhere today."""

from __future__ import annotations

from core import clock
from core.errors import DomainError
from enrollments.disclosures import current_disclosures, missing_facts
from organizations.enums import ApprovalStatus
from organizations.models import Organization, ProviderProfile
from providers.districts import UnknownDistrictError, find
from providers.services.standing import refuse_unserved


def refuse_offer(provider: Organization, court_id: str, kind: str) -> DomainError | None:
    """Why the provider cannot offer `kind` in a district today: `provider_not_open`, `unknown_court`,
    `district_not_approved`, `disclosures_unavailable`, `provider_profile_incomplete`; None when it can."""
    profile = ProviderProfile.objects.filter(organization=provider, approval_status=ApprovalStatus.APPROVED).first()
    if profile is None:
        return DomainError("provider_not_open")
    try:
        today = clock.today(find(court_id).time_zone)
    except UnknownDistrictError:
        return DomainError("unknown_court")
    refusal = refuse_unserved(provider, court_id, kind, today)
    if refusal is not None:
        return refusal
    missing = missing_facts(current_disclosures(kind), profile)
    return DomainError("provider_profile_incomplete", missing=", ".join(missing)) if missing else None
