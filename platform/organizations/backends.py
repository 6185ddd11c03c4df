"""Permission answers from the role table and from explicit grants; Django's flags and groups carry nothing here."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db import models

from accounts.models import User
from core.context import Actor
from organizations.actors import actor_for
from organizations.decisions import decide


def allows(actor: Actor, permission: str, row: models.Model | None = None) -> bool:
    """Whether `actor` holds `permission`: anywhere when no row is given, otherwise through a membership or grant
    that reaches the row. Rows without an organization are the platform's."""
    return decide(actor, permission, row).allowed


class MembershipBackend(BaseBackend):
    """Answers `user.has_perm`."""

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, while the account is active."""
        return User.objects.filter(pk=user_id, is_active=True).first()

    def has_perm(self, user_obj: Any, perm: str, obj: models.Model | None = None) -> bool:
        return bool(user_obj.is_active) and allows(actor_for(user_obj), perm, obj)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Staff of any kind may open a module; the models inside answer for themselves."""
        actor = actor_for(user_obj)
        return bool(user_obj.is_active and (actor.platform_role or actor.memberships or actor.granted))
