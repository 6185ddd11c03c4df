"""Scopes of tables that packages bring along, so that no table stands outside the two nets."""

from __future__ import annotations

from core.scope import Scope

_OWN = Scope(person="user", auth=True)

SCOPES: dict[str, Scope] = {
    "accounts.user_groups": Scope.platform(),
    "accounts.user_user_permissions": Scope.platform(),
    "account.emailaddress": _OWN,
    "account.emailconfirmation": Scope.through("email_address", auth=True),
    "admin.logentry": Scope(person="user", append_only=True),
    "auth.group": Scope.shared(),
    "auth.group_permissions": Scope.shared(),
    "auth.permission": Scope.shared(),
    "contenttypes.contenttype": Scope.shared(),
    "django_q.failure": Scope.platform(function_only=True),
    "django_q.ormq": Scope.platform(function_only=True),
    "django_q.schedule": Scope.platform(function_only=True),
    "django_q.success": Scope.platform(function_only=True),
    "django_q.task": Scope.platform(function_only=True),
    "guardian.groupobjectpermission": Scope.platform(),
    "guardian.userobjectpermission": Scope(person="user", person_writes=False),
    "mfa.authenticator": _OWN,
    "sessions.session": Scope.shared(),
    "usersessions.usersession": _OWN,
}

# Tables without a model.
BARE_TABLES: dict[str, Scope] = {"django_migrations": Scope.shared(), "django_cache": Scope.shared()}
