"""Who decides about providers: the platform, and nobody who stands inside one."""

from __future__ import annotations

from core.context import Kind, current_actor
from core.errors import DomainError
from organizations.roles import platform_role_carries

DECIDE = "providers.decide_providerapplication"
ADD_APPROVAL = "providers.add_districtapproval"
END_APPROVAL = "providers.change_districtapproval"


def require_platform(permission: str) -> None:
    """DomainError `permission_denied` unless the acting person holds `permission` by a platform role, or a job acts.

    A provider's own administrators may change its row, so that row security alone would let them approve themselves.
    """
    actor = current_actor()
    if actor is not None and (actor.kind is Kind.SYSTEM or platform_role_carries(actor.platform_role, permission)):
        return
    raise DomainError("permission_denied")
