"""Who may: one answer with the rule that gave it. Permission checks and explanations both come from here."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import models

from core.context import Actor, Kind
from core.scope import organizations_of
from organizations.roles import carries, platform_role_carries, role_carries


class Rule(enum.StrEnum):
    """What decides about a permission. The first five allow, the others deny."""

    SYSTEM = "system"
    PLATFORM_ROLE = "platform_role"
    MEMBERSHIP = "membership"
    GRANT = "grant"
    ROW_GRANT = "row_grant"
    SIGNED_OUT = "signed_out"
    ROLE_LACKS = "role_lacks"
    NOT_REACHED = "not_reached"


READING = frozenset({"view", "download"})
ALLOWING = frozenset({Rule.SYSTEM, Rule.PLATFORM_ROLE, Rule.MEMBERSHIP, Rule.GRANT, Rule.ROW_GRANT})


@dataclass(frozen=True, slots=True)
class Decision:
    """The rule, and the role and organization it spoke of; empty where none did."""

    rule: Rule
    role: str = ""
    organization: UUID | None = None

    @property
    def allowed(self) -> bool:
        return self.rule in ALLOWING


def decide(actor: Actor, permission: str, row: models.Model | None = None) -> Decision:
    """Whether `actor` holds `permission` (`app.codename`), and by which rule: anywhere when no row is given, otherwise
    through a membership or grant that reaches the row. Rows without an organization are the platform's."""
    if actor.kind is Kind.SYSTEM:
        return Decision(Rule.SYSTEM)
    if platform_role_carries(actor.platform_role, permission):
        return Decision(Rule.PLATFORM_ROLE, actor.platform_role)
    if row is None:
        return _anywhere(actor, permission)
    return _here(actor, permission, row)


def deciding_organizations(permission: str, row: models.Model) -> frozenset[UUID]:
    """Whose memberships decide about `permission` on `row`: to read it, everybody's who sees the row; for anything
    else, only theirs to whom it belongs, as row security has it."""
    verb = permission.partition(".")[2].partition("_")[0]
    return organizations_of(row, writing=verb not in READING)


def _here(actor: Actor, permission: str, row: models.Model) -> Decision:
    homes = deciding_organizations(permission, row)
    for home in homes:
        if role_carries(actor.memberships.get(home, ""), permission):
            return Decision(Rule.MEMBERSHIP, actor.memberships[home], home)
    for home in homes:
        if carries(actor.granted.get(home, frozenset()), permission):
            return Decision(Rule.GRANT, organization=home)
    if carries(actor.object_grants.get(row._meta.label_lower, {}).get(row.pk, frozenset()), permission):
        return Decision(Rule.ROW_GRANT)
    return _denied(actor, (home for home in homes if home in actor.memberships))


def _anywhere(actor: Actor, permission: str) -> Decision:
    for home, role in actor.memberships.items():
        if role_carries(role, permission):
            return Decision(Rule.MEMBERSHIP, role, home)
    for home, permissions in actor.granted.items():
        if carries(permissions, permission):
            return Decision(Rule.GRANT, organization=home)
    if any(carries(perms, permission) for rows in actor.object_grants.values() for perms in rows.values()):
        return Decision(Rule.ROW_GRANT)
    return _denied(actor, iter(actor.memberships))


def _denied(actor: Actor, reaching: Iterator[UUID]) -> Decision:
    if actor.user_id is None:
        return Decision(Rule.SIGNED_OUT)
    home = next(reaching, None)
    if home is not None:
        return Decision(Rule.ROLE_LACKS, actor.memberships[home], home)
    if actor.platform_role:
        return Decision(Rule.ROLE_LACKS, actor.platform_role)
    return Decision(Rule.NOT_REACHED)
