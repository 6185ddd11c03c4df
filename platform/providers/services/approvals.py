"""A provider's approvals, per federal judicial district and service (11 U.S.C. 111(a), (b))."""

from __future__ import annotations

import datetime as dt

from dateutil.relativedelta import relativedelta
from django.db import transaction

from audit.services import record
from core.errors import DomainError
from core.transitions import transition
from organizations.models import Organization
from providers.enums import IN_FORCE, CourseKind, DistrictApprovalStatus
from providers.models import District, DistrictApproval
from providers.permissions import ADD_APPROVAL, END_APPROVAL, require_platform

PROBATION = relativedelta(months=6)
TERM = relativedelta(years=1)


@transaction.atomic
def add_district_approval(
    provider: Organization, court_id: str, kind: str, *, valid_from: dt.date, valid_to: dt.date, reference: str = ""
) -> DistrictApproval:
    """Enter an approval letter of the United States Trustee or Bankruptcy Administrator.

    The first one for a district and service is probationary and lasts six months at most, every later one a year at
    most (11 U.S.C. 111(b)(3), (4); 28 CFR 58.14). DomainError `permission_denied`, `unknown_court`,
    `nonprofit_required` (counseling by an organization that is none), `approval_ends_before_it_begins`,
    `approval_too_long`, `approval_overlaps`.
    """
    require_platform(ADD_APPROVAL)
    Organization.objects.locked().get(pk=provider.pk)
    if not District.objects.filter(court_id=court_id).exists():
        raise DomainError("unknown_court")
    if kind == CourseKind.CC and not provider.provider_profile.is_nonprofit:
        raise DomainError("nonprofit_required")
    earlier = DistrictApproval.objects.filter(provider=provider, district_id=court_id, kind=kind)
    is_first = not earlier.exists()
    _check_term(valid_from, valid_to, is_first=is_first)
    _check_free(list(earlier), valid_from, valid_to)
    approval = DistrictApproval.objects.create(
        provider=provider,
        district_id=court_id,
        kind=kind,
        status=DistrictApprovalStatus.PROBATIONARY if is_first else DistrictApprovalStatus.APPROVED,
        valid_from=valid_from,
        valid_to=valid_to,
        reference=reference.strip(),
    )
    record(
        "districtapproval.added",
        approval,
        organization=provider.pk,
        payload={"court": court_id, "kind": kind, "from": valid_from, "to": valid_to, "status": approval.status},
    )
    return approval


def _check_term(valid_from: dt.date, valid_to: dt.date, *, is_first: bool) -> None:
    if valid_to <= valid_from:
        raise DomainError("approval_ends_before_it_begins")
    latest = valid_from + (PROBATION if is_first else TERM)
    if valid_to > latest:
        raise DomainError("approval_too_long", latest=latest.isoformat())


def _check_free(earlier: list[DistrictApproval], valid_from: dt.date, valid_to: dt.date) -> None:
    for other in earlier:
        if other.status in IN_FORCE and other.valid_from <= valid_to and valid_from <= other.valid_to:
            raise DomainError("approval_overlaps", first=other.valid_from.isoformat(), last=other.valid_to.isoformat())


def end_district_approval(approval: DistrictApproval, to: str, *, reason: str) -> DistrictApproval:
    """End an approval before its day: `withdrawn` by the provider, or `removed` by the trustee.

    DomainError `permission_denied`, `reason_required`, `transition_not_allowed`.
    """
    require_platform(END_APPROVAL)
    if not reason.strip():
        raise DomainError("reason_required")
    if to not in (DistrictApprovalStatus.WITHDRAWN, DistrictApprovalStatus.REMOVED):
        raise DomainError("transition_not_allowed", before=approval.status, after=to)
    return transition(approval, to, reason=reason)
