"""Explicit access to single records, the only way it is ever given: with a reason, on the record."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from guardian.models import UserObjectPermission

from accounts.enums import PlatformRole
from accounts.models import User
from audit.services import record
from core.context import Kind, current_actor
from core.errors import DomainError
from core.scope import scope_of
from organizations.models import Organization

AUDIT = "organizations.audit_organization"


@transaction.atomic
def grant_access(user: User, row: models.Model, permission: str, *, reason: str) -> UserObjectPermission:
    """Open one record to one person: an organization for audit (`organizations.audit_organization`), or a row of a
    model whose scope is `grantable` with one of that model's permissions (`app.codename`).

    Repeating a grant changes nothing. DomainError `reason_required`; `permission_denied` unless a platform
    administrator or the system does it; `grant_not_possible` for any other record or permission.
    """
    _may_grant(reason)
    wanted = _permission(row, permission)
    found, is_new = UserObjectPermission.objects.get_or_create(
        user=user, permission=wanted, content_type=wanted.content_type, object_pk=str(row.pk)
    )
    if is_new:
        record("access.granted", row, reason=reason, payload={"user": user.pk, "permission": permission})
    return found


@transaction.atomic
def withdraw_access(user: User, row: models.Model, permission: str, *, reason: str) -> bool:
    """Take an explicit grant back; it is gone at the person's next request. Returns whether there was one. Errors as
    `grant_access`."""
    _may_grant(reason)
    wanted = _permission(row, permission)
    deleted, _ = UserObjectPermission.objects.filter(
        user=user, permission=wanted, content_type=wanted.content_type, object_pk=str(row.pk)
    ).delete()
    if deleted:
        record("access.withdrawn", row, reason=reason, payload={"user": user.pk, "permission": permission})
    return bool(deleted)


def _may_grant(reason: str) -> None:
    if not reason.strip():
        raise DomainError("reason_required")
    actor = current_actor()
    if actor is None or not (actor.kind is Kind.SYSTEM or actor.platform_role == PlatformRole.ADMIN):
        raise DomainError("permission_denied")


def _permission(row: models.Model, permission: str) -> Permission:
    """The permission row, when it may be granted on `row`."""
    app_label, _, codename = permission.partition(".")
    kind = ContentType.objects.get_for_model(row)
    is_audit = isinstance(row, Organization) and permission == AUDIT
    if not (is_audit or scope_of(type(row)).grantable) or app_label != kind.app_label:
        raise DomainError("grant_not_possible")
    try:
        return Permission.objects.get(content_type=kind, codename=codename)
    except Permission.DoesNotExist:
        raise DomainError("grant_not_possible") from None
