"""When one person suffices."""

from __future__ import annotations

from uuid import UUID

from approvals.kinds import find
from approvals.models import ApprovalRule


def limit_cents(kind: str, organization: UUID | None) -> int | None:
    """Up to which amount one person suffices: the organization's own limit, else the kind's; None for any amount."""
    own = ApprovalRule.objects.filter(kind=kind, organization=organization).values_list("limit_cents", flat=True)
    rule = own.first() if organization is not None else None
    return find(kind).free_cents if rule is None else rule


def needs_approval(kind: str, organization: UUID | None, amount_cents: int) -> bool:
    """Whether an act of this amount needs another person."""
    limit = limit_cents(kind, organization)
    return limit is not None and amount_cents > limit
