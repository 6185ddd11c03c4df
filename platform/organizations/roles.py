"""The one role table: rank, the capability a role needs, and the permissions it carries.

Rank orders people in lists and says who may give which role; it never opens money or data.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.enums import PlatformRole
from organizations.enums import Capability, Role

EVERY_VIEW = "*.view_*"


def _can(model: str, verbs: str) -> set[str]:
    app_label, name = model.split(".")
    return {f"{app_label}.{verb}_{name}" for verb in verbs.split()}


def _all(*groups: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*groups)


_COUNSELING = _all(
    _can("enrollments.enrollment", "view complete"),
    _can("enrollments.client", "view identify"),
    _can("enrollments.household", "view"),
    _can("enrollments.counselorinteraction", "view add change"),
    _can("enrollments.disclosureacknowledgement", "view"),
    _can("courses.coursesession", "view"),
    _can("courses.testattempt", "view"),
    _can("courses.timeledgerminute", "view"),
    _can("courses.course", "view"),
    _can("certificates.certificate", "view download"),
    _can("providers.district", "view"),
)
_ADMINISTRATION = _all(
    _COUNSELING,
    _can("organizations.organization", "view change"),
    _can("organizations.providerprofile", "view change"),
    _can("organizations.membership", "view change"),
    _can("organizations.invitation", "view add revoke refresh"),
    _can("accounts.user", "view"),
    _can("audit.auditevent", "view"),
    _can("jobs.job", "view rerun cancel rehearse"),
    _can("notifications.message", "view resend"),
    _can("notifications.notificationdelivery", "view"),
    _can("files.storedfile", "view"),
    _can("lists.savedview", "share"),
    _can("exports.exportrun", "view oversee cancel"),
    _can("exports.scheduledexport", "view change oversee"),
    _can("providers.districtapproval", "view"),
    _can("enrollments.enrollment", "add change invite cancel import export"),
    _can("imports.importrun", "view cancel undo"),
    {"enrollments.override_time"},
    _can("enrollments.enrollmentrequest", "view change convert"),
    _can("enrollments.client", "add change"),
    _can("enrollments.disclosureset", "view"),
    _can("payments.payment", "view record refund import export"),
    _can("payments.refund", "view approve export"),
    _can("payments.dispute", "view answer change"),
    _can("approvals.approvalrequest", "view decide withdraw"),
    _can("approvals.approvalrule", "view"),
    _can("approvals.delegation", "view add end"),
    _can("payments.feewaiver", "view decide export"),
    _can("proofs.proofdifference", "view fix"),
    _can("certificates.cgsnumber", "view add change import export"),
    _can("certificates.certificate", "issue revoke replace"),
    _can("certificates.courtfiling", "view change file"),
)
_LAW = _all(
    _can("enrollments.enrollment", "view add invite import export"),
    _can("imports.importrun", "view cancel undo"),
    _can("enrollments.client", "view add"),
    _can("enrollments.household", "view"),
    _can("certificates.certificate", "view download"),
    _can("organizations.firmprofile", "view"),
    _can("organizations.organization", "view"),
    _can("providers.district", "view"),
    _can("exports.exportrun", "view cancel"),
    _can("exports.scheduledexport", "view change"),
)
_SUPPORT = frozenset({EVERY_VIEW})
# Who may refund must not set the limit above which another person has to agree: that is the owner's and the platform's.
_LIMITS = _can("approvals.approvalrule", "view add change")
_FINANCE = _all(
    _SUPPORT,
    _can("payments.payment", "record refund import export"),
    _can("payments.refund", "approve export"),
    _can("payments.dispute", "answer change"),
    _can("payments.feewaiver", "decide export"),
    _can("exports.exportrun", "cancel"),
    _can("exports.scheduledexport", "change"),
    _can("proofs.proofrun", "start"),
    _can("proofs.proofdifference", "fix"),
    _can("approvals.approvalrequest", "decide withdraw"),
    _can("approvals.delegation", "add end"),
    _can("imports.importrun", "cancel undo"),
    _LIMITS,
)


@dataclass(frozen=True, slots=True)
class RoleRule:
    """What one role is: where it stands, what its organization must be, and what its holder may do there."""

    role: str
    rank: int
    capability: Capability | None
    permissions: frozenset[str]


ROLES: dict[str, RoleRule] = {
    rule.role: rule
    for rule in (
        RoleRule(Role.OWNER, 100, None, _all(_ADMINISTRATION, _LAW, _LIMITS)),
        RoleRule(Role.PROVIDER_ADMIN, 90, Capability.PROVIDER, _ADMINISTRATION),
        RoleRule(Role.COUNSELOR, 50, Capability.PROVIDER, _COUNSELING),
        RoleRule(Role.ATTORNEY, 50, Capability.FIRM, _LAW),
    )
}
PLATFORM_ROLES: dict[str, frozenset[str]] = {
    PlatformRole.ADMIN: frozenset({"*"}),
    PlatformRole.FINANCE: _FINANCE,
    PlatformRole.SUPPORT: _SUPPORT,
}


def rank_of(role: str) -> int:
    """Where a role stands: platform administrators above all, clients and strangers at the bottom."""
    if role == PlatformRole.ADMIN:
        return 1000
    return ROLES[role].rank if role in ROLES else 0


def administering_roles(capabilities: Iterable[str]) -> frozenset[str]:
    """The roles that can look after an organization with these capabilities: the owner, and the highest role that
    each capability has of its own."""
    found = {rule.role for rule in ROLES.values() if rule.capability is None}
    for capability in capabilities:
        own = [rule for rule in ROLES.values() if rule.capability == capability]
        found |= {rule.role for rule in own if rule.rank == max(other.rank for other in own)}
    return frozenset(found)


def carries(permissions: frozenset[str], permission: str) -> bool:
    """Whether a set of permissions, in which `*` means all and `*.view_*` every view, holds `permission`."""
    if "*" in permissions or permission in permissions:
        return True
    return EVERY_VIEW in permissions and permission.partition(".")[2].startswith("view_")


def role_carries(role: str, permission: str) -> bool:
    """Whether a membership role holds `permission` in its organization."""
    rule = ROLES.get(role)
    return rule is not None and carries(rule.permissions, permission)


def roles_with(permission: str) -> list[RoleRule]:
    """The membership roles that hold `permission`, the highest first."""
    found = [rule for rule in ROLES.values() if carries(rule.permissions, permission)]
    return sorted(found, key=lambda rule: -rule.rank)


def platform_roles_with(permission: str) -> list[str]:
    """The platform roles that hold `permission`."""
    return [role for role, permissions in PLATFORM_ROLES.items() if carries(permissions, permission)]


def platform_role_carries(role: str, permission: str) -> bool:
    """Whether a platform role holds `permission` everywhere."""
    return carries(PLATFORM_ROLES.get(role, frozenset()), permission)
