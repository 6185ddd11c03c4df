"""Who belongs to an organization, and in which role."""

from __future__ import annotations

from django.db import transaction

from accounts.enums import PlatformRole
from accounts.models import User
from audit.services import record
from core.errors import DomainError
from core.transitions import transition
from organizations.enums import InvitedRole, MembershipStatus
from organizations.guards import last_administrator, rank_refusal, refuse, shape_refusal
from organizations.models import Membership, Organization
from organizations.roles import administering_roles, rank_of
from organizations.services.sessions import end_sessions, raise_generation


@transaction.atomic
def change_role(membership: Membership, role: str, *, reason: str) -> Membership:
    """Give an active member another role, end their sessions, keep the reason.

    DomainError `reason_required`, `membership_not_active`, the shape errors, `not_your_rank` when the old or the new
    role is above the actor's, `last_owner` when nobody would be left to administer.
    """
    locked = _locked(membership, reason)
    home, before = locked.organization, locked.role
    if locked.status != MembershipStatus.ACTIVE:
        raise DomainError("membership_not_active")
    refuse(shape_refusal(role, home), rank_refusal(role, home), rank_refusal(before, home))
    if role == before:
        return locked
    if role not in administering_roles(home.capabilities):
        refuse(last_administrator(locked))
    locked.role = role
    _write_role(locked, before, reason=reason)
    end_sessions(locked.user, reason=reason)
    return locked


@transaction.atomic
def suspend_member(membership: Membership, *, reason: str) -> Membership:
    """Take a member's rights away for the time being. Errors as `remove_member`."""
    return _close(membership, MembershipStatus.SUSPENDED, reason)


@transaction.atomic
def remove_member(membership: Membership, *, reason: str) -> Membership:
    """End a membership; the row stays. DomainError `reason_required`, `not_your_rank`, `last_owner`,
    `transition_not_allowed`."""
    return _close(membership, MembershipStatus.REMOVED, reason)


@transaction.atomic
def reactivate_member(membership: Membership, *, reason: str) -> Membership:
    """Give a suspended or removed member the same role back. DomainError `reason_required`, `not_your_rank`,
    `transition_not_allowed`."""
    locked = _locked(membership, reason)
    refuse(rank_refusal(locked.role, locked.organization))
    active = transition(locked, MembershipStatus.ACTIVE, reason=reason)
    raise_generation(active.user)
    return active


@transaction.atomic
def join(user: User, organization: Organization, role: str, *, reason: str = "") -> Membership:
    """Make `user` a member with at least `role`: a new membership, one brought back, or a higher role in the present
    one. A role that is already higher stays. The caller has checked the shape."""
    _lock_home(organization)
    membership = Membership.objects.filter(user=user, organization=organization).locked().first()
    if membership is None:
        membership = Membership(user=user, organization=organization, role=role)
        membership._change_reason = reason or None
        membership.save(force_insert=True)
        record("membership.created", membership, reason=reason, payload={"role": role, "user": user.pk})
    elif membership.status != MembershipStatus.ACTIVE:
        membership = transition(membership, MembershipStatus.ACTIVE, reason=reason, changes={"role": role})
    elif rank_of(role) > rank_of(membership.role):
        before, membership.role = membership.role, role
        _write_role(membership, before, reason=reason)
    else:
        return membership
    raise_generation(user)
    return membership


@transaction.atomic
def set_platform_role(user: User, role: str, *, reason: str = "") -> User:
    """Make `user` platform staff, or with an empty role no longer, and end their sessions. Whether the actor may do
    that is for the caller to ask."""
    locked = User.objects.locked().get(pk=user.pk)
    if locked.platform_role != role:
        before, locked.platform_role = locked.platform_role, role
        locked._change_reason = reason or None
        locked.save(update_fields=["platform_role"])
        record("user.platform_role_changed", locked, reason=reason, payload={"from": before, "to": role})
        raise_generation(locked)
    user.platform_role, user.session_generation = locked.platform_role, locked.session_generation
    return locked


@transaction.atomic
def set_role(user: User, role: str, *, organization: Organization | None = None, reason: str) -> None:
    """Put a person into one of the five invitable roles, exactly: an existing role in the organization is replaced,
    and `client` takes every staff role away. Errors as `change_role`."""
    refuse(shape_refusal(role, organization), rank_refusal(role, organization))
    if role == InvitedRole.PLATFORM_ADMIN:
        set_platform_role(user, PlatformRole.ADMIN, reason=reason)
    elif organization is None:
        for membership in Membership.objects.active().filter(user=user).order_by("pk"):
            remove_member(membership, reason=reason)
        set_platform_role(user, "", reason=reason)
    else:
        membership = join(user, organization, role, reason=reason)
        if membership.role != role:
            change_role(membership, role, reason=reason)


def _lock_home(organization: Organization) -> Organization:
    """Let changes of one organization's members wait for each other; others may go on referring to it."""
    return Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)


def _locked(membership: Membership, reason: str) -> Membership:
    if not reason.strip():
        raise DomainError("reason_required")
    _lock_home(membership.organization)
    return Membership.objects.locked().select_related("organization", "user").get(pk=membership.pk)


def _close(membership: Membership, status: MembershipStatus, reason: str) -> Membership:
    locked = _locked(membership, reason)
    refuse(rank_refusal(locked.role, locked.organization))
    guards = [last_administrator] if locked.status == MembershipStatus.ACTIVE else []
    closed = transition(locked, status, reason=reason, guards=guards)
    end_sessions(closed.user, reason=reason)
    return closed


def _write_role(membership: Membership, before: str, *, reason: str) -> None:
    membership._change_reason = reason or None
    membership.save(update_fields=["role", "updated_at"])
    record("membership.role_changed", membership, reason=reason, payload={"from": before, "to": membership.role})
