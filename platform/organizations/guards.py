"""Rules about roles, invitations and memberships, each as a question with a refusal for an answer."""

from __future__ import annotations

from allauth.account.models import EmailAddress

from accounts.enums import PlatformRole
from accounts.models import User
from core import clock
from core.context import Kind, current_actor
from core.errors import DomainError
from organizations.enums import InvitationStatus, InvitedRole, Role
from organizations.models import Invitation, Membership, Organization
from organizations.roles import ROLES, administering_roles, rank_of

WITHOUT_ORGANIZATION = frozenset({InvitedRole.PLATFORM_ADMIN.value, InvitedRole.CLIENT.value})
KNOWN_ROLES = frozenset({*InvitedRole.values, *Role.values})


def refuse(*refusals: DomainError | None) -> None:
    """Raise the first refusal there is."""
    for refusal in refusals:
        if refusal is not None:
            raise refusal


def shape_refusal(role: str, organization: Organization | None) -> DomainError | None:
    """Whether `role` may hold in `organization`: `role_unknown`, `role_needs_no_organization`,
    `role_needs_organization`, `role_does_not_fit`."""
    if role not in KNOWN_ROLES:
        return DomainError("role_unknown")
    if role in WITHOUT_ORGANIZATION:
        return DomainError("role_needs_no_organization") if organization is not None else None
    if organization is None:
        return DomainError("role_needs_organization")
    needed = ROLES[role].capability
    if needed is not None and needed not in organization.capabilities:
        return DomainError("role_does_not_fit")
    return None


def home_for(role: str, *, provider: Organization | None, firm: Organization | None) -> Organization | None:
    """The organization a role will hold in, chosen from a provider and a law firm of which at most one may be given.

    Raises the DomainError of `shape_refusal`, and `role_does_not_fit` when both are given.
    """
    if provider is not None and firm is not None:
        raise DomainError("role_needs_no_organization" if role in WITHOUT_ORGANIZATION else "role_does_not_fit")
    home = provider or firm
    refuse(shape_refusal(role, home))
    return home


def rank_refusal(role: str, organization: Organization | None) -> DomainError | None:
    """Whether the present actor may give or take `role` in `organization`: nobody reaches above their own rank."""
    actor = current_actor()
    if actor is not None and (actor.kind is Kind.SYSTEM or actor.platform_role == PlatformRole.ADMIN):
        return None
    own = rank_of(actor.memberships.get(organization.pk, "")) if actor is not None and organization is not None else 0
    return DomainError("not_your_rank") if rank_of(role) > own else None


def unusable(invitation: Invitation) -> DomainError | None:
    """An invitation that was used, revoked or has expired, all with the same answer."""
    is_open = invitation.status == InvitationStatus.PENDING and invitation.expires_at > clock.now()
    return None if is_open else DomainError("invitation_unusable")


def not_addressed_to(invitation: Invitation, user: User) -> DomainError | None:
    """Whether the invitation went to an address that `user` has proved to hold; upper and lower case are the same."""
    holds = EmailAddress.objects.filter(user=user, verified=True, email__iexact=invitation.email).exists()
    return None if holds else DomainError("invitation_for_other_email")


def last_administrator(membership: Membership) -> DomainError | None:
    """Whether nobody would be left to administer the organization without this membership.

    The caller holds the lock on the organization, or two administrators could remove each other.
    """
    roles = administering_roles(membership.organization.capabilities)
    if membership.role not in roles:
        return None
    others = Membership.objects.active().filter(organization=membership.organization_id, role__in=roles)
    return None if others.exclude(pk=membership.pk).exists() else DomainError("last_owner")
