"""Why a person may do something, or may not, in a sentence, and what would change it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from uuid import UUID

from django.db import models
from django.utils.translation import gettext as _

from accounts.enums import PlatformRole
from core.context import Actor
from core.errors import DomainError
from organizations.decisions import Decision, Rule, decide, deciding_organizations
from organizations.enums import MembershipStatus, Role
from organizations.models import Membership, Organization
from organizations.roles import RoleRule, platform_roles_with, role_carries, roles_with


class Cause(enum.StrEnum):
    """Why the answer is what it is, closer than the rule: these need a look at rows."""

    RULE = "rule"
    SUSPENDED = "suspended"
    CAPABILITY = "capability"
    PLATFORM_ONLY = "platform_only"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer, the rule behind it in plain words, and what would change it (empty when nothing has to)."""

    allowed: bool
    rule: str
    sentence: str
    remedy: str = ""


def explain(
    actor: Actor, permission: str, row: models.Model | None = None, *, refusal: DomainError | None = None
) -> Explanation:
    """Why `actor` may use `permission` on `row` (anywhere without one), or why not. The answer is that of
    `organizations.decisions.decide`; `refusal` is what the row's own state says against it, and counts only for
    somebody who may otherwise. Reads memberships and organizations as far as the asking person sees them."""
    decision = decide(actor, permission, row)
    if not decision.allowed:
        return _why_not(actor, permission, row, decision)
    if refusal is not None:
        return Explanation(False, Cause.STATE, refusal.sentence, refusal.next_action)
    return Explanation(True, decision.rule, _why(decision))


def _why(decision: Decision) -> str:
    names = {"role": role_label(decision.role), "organization": _name(decision.organization)}
    if decision.rule is Rule.PLATFORM_ROLE:
        return _("The platform role “%(role)s” includes this, in every organization.") % names
    if decision.rule is Rule.MEMBERSHIP:
        return _("The role “%(role)s” at %(organization)s includes this.") % names
    if decision.rule is Rule.GRANT:
        return _("An explicit grant opens the records of %(organization)s for this.") % names
    if decision.rule is Rule.ROW_GRANT:
        return _("An explicit grant opens this single record.")
    return _("The system itself does this.")


def _why_not(actor: Actor, permission: str, row: models.Model | None, decision: Decision) -> Explanation:
    if decision.rule is Rule.SIGNED_OUT:
        return Explanation(False, decision.rule, _("Nobody is signed in."), _("Sign in first."))
    holders = roles_with(permission)
    if not holders:
        sentence = _("Only the platform’s own staff may do this.")
        return Explanation(False, Cause.PLATFORM_ONLY, sentence, _platform_remedy(permission))
    homes = deciding_organizations(permission, row) if row is not None else frozenset()
    paused = _paused(actor, permission, homes, anywhere=row is None)
    if paused is not None:
        return _suspended(paused)
    return _lacking(permission, decision, holders, homes)


def _paused(actor: Actor, permission: str, homes: frozenset[UUID], *, anywhere: bool) -> Membership | None:
    """A membership that would carry the permission if it were active."""
    rows = Membership.objects.filter(user=actor.user_id).exclude(status=MembershipStatus.ACTIVE)
    if not anywhere:
        rows = rows.filter(organization__in=homes)
    return next((row for row in rows.select_related("organization") if role_carries(row.role, permission)), None)


def _suspended(membership: Membership) -> Explanation:
    names = {"role": role_label(membership.role), "organization": membership.organization.name}
    if membership.status == MembershipStatus.SUSPENDED:
        sentence = _("The membership as “%(role)s” at %(organization)s is suspended.") % names
    else:
        sentence = _("The membership as “%(role)s” at %(organization)s has ended.") % names
    remedy = _("An administrator of %(organization)s can take the person back.") % names
    return Explanation(False, Cause.SUSPENDED, sentence, remedy)


def _lacking(permission: str, decision: Decision, holders: list[RoleRule], homes: frozenset[UUID]) -> Explanation:
    remedy = _("These roles may do it: %(roles)s.") % {"roles": ", ".join(role_label(rule.role) for rule in holders)}
    own = Organization.objects.filter(pk=decision.organization).first() if decision.organization and homes else None
    needed = {rule.capability for rule in holders if rule.capability}
    if own is not None and needed and not needed & own.capabilities:
        names = {"organization": own.name, "kinds": ", ".join(sorted(str(kind.label) for kind in needed))}
        sentence = (
            _("The work this belongs to is not done by %(organization)s: it is none of these: %(kinds)s.") % names
        )
        return Explanation(False, Cause.CAPABILITY, sentence, remedy)
    if decision.rule is Rule.ROLE_LACKS:
        sentence = _("The role “%(role)s” does not include this.") % {"role": role_label(decision.role)}
    elif homes:
        sentence = _("No membership and no grant of this person reaches this record.")
    else:
        sentence = _("This person has no role that includes this.")
    return Explanation(False, decision.rule, sentence, remedy)


def _platform_remedy(permission: str) -> str:
    roles = ", ".join(role_label(role) for role in platform_roles_with(permission))
    return _("Ask someone with this platform role: %(roles)s.") % {"roles": roles}


def _name(pk: UUID | None) -> str:
    found = Organization.objects.filter(pk=pk).values_list("name", flat=True).first() if pk else None
    return found or _("an organization")


def role_label(role: str) -> str:
    """A membership or platform role as people read it."""
    for choices in (Role, PlatformRole):
        if role in choices.values:
            return str(choices(role).label)
    return role
