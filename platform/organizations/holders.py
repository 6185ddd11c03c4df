"""Who may do something, asked the other way round: the people behind a permission."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from organizations.models import Membership
from organizations.roles import PLATFORM_ROLES, ROLES, carries


def members_holding(permission: str, organization: UUID | None) -> QuerySet[User]:
    """Working people whose role in the organization carries `permission`; as far as the actor may see them."""
    roles = [role for role, rule in ROLES.items() if carries(rule.permissions, permission)]
    members = Membership.objects.active().filter(organization=organization, role__in=roles).order_by()
    return _working().filter(pk__in=members.values("user"))


def staff_holding(permission: str) -> QuerySet[User]:
    """Working people of the platform whose role carries `permission`."""
    roles = [role for role, permissions in PLATFORM_ROLES.items() if carries(permissions, permission)]
    return _working().filter(platform_role__in=roles)


def _working() -> QuerySet[User]:
    return User.objects.filter(is_active=True, is_process=False).order_by("email")
