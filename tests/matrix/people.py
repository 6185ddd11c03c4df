"""Who asks: a role in tenant A, or a kind of session, each with its own way of coming in.

A kind of session that is still to come (a second factor not yet given, a person looked at through another's eyes) is
one more line in `KINDS`: a name and a function that makes the session.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from accounts.models import User
from accounts.sessions import SEEN_AT
from core import clock
from organizations.actors import GENERATION_KEY
from organizations.enums import MembershipStatus, Role
from tests.database import as_system
from tests.factories.names import World
from tests.factories.people import make_membership, make_user
from tests.web import session_of

PLATFORM = ("support", "finance", "platform_admin")
# They have reason to see rows of tenant B.
SEES_B = frozenset({*PLATFORM, "two_hats"})
_NAMES = {
    "anonymous": "", "stranger": "stranger", "client": "client_user_a", "attorney": "attorney_a",
    "counselor": "counselor_a", "provider_admin": "provider_admin_a", "owner": "owner_a", "auditor": "auditor",
    "two_hats": "two_hats", "support": "platform_support", "finance": "platform_finance",
    "platform_admin": "platform_admin",
}  # fmt: skip


def busy_session_of(user: User, **changes: Any) -> str:
    """A session whose use was just noted, so that no request has to."""
    return session_of(user, **{SEEN_AT: int(clock.now().timestamp()) + 86_400} | changes)


def _expired(world: World) -> tuple[User, str]:
    user, key = world.provider_admin_a, busy_session_of(world.provider_admin_a)
    from django.contrib.sessions.models import Session  # noqa: PLC0415 -- needs the settings

    Session.objects.filter(pk=key).update(expire_date=clock.now() - dt.timedelta(minutes=1))
    return user, key


def _superseded(world: World) -> tuple[User, str]:
    user = world.provider_admin_a
    return user, busy_session_of(user, **{GENERATION_KEY: user.session_generation - 1})


def _deactivated(world: World) -> tuple[User, str]:
    user = make_user("deactivated@tenant-a.example")
    make_membership(user, world.provider_a, Role.PROVIDER_ADMIN)
    key = busy_session_of(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    return user, key


def _suspended(world: World) -> tuple[User, str]:
    user = make_user("suspended@tenant-a.example")
    membership = make_membership(user, world.provider_a, Role.PROVIDER_ADMIN)
    type(membership).objects.filter(pk=membership.pk).update(status=MembershipStatus.SUSPENDED)
    return user, busy_session_of(user)


KINDS: dict[str, Callable[[World], tuple[User, str]]] = {
    "expired": _expired, "superseded": _superseded, "deactivated": _deactivated, "suspended": _suspended,
}  # fmt: skip
ROLES = (*_NAMES, *KINDS)


class Person:
    """A role that comes in: its session, and the facts the database must be told about it."""

    def __init__(self, role: str, user: User | None, key: str, organizations: frozenset[str]) -> None:
        self.role = role
        self.user = user
        self.key = key
        self.organizations = organizations

    @property
    def is_let_in(self) -> bool:
        """Whether the session is good: the database must then know this very user."""
        return self.user is not None and self.role not in {"expired", "superseded", "deactivated"}


def everybody(world: World) -> dict[str, Person]:
    """All roles, with sessions made in the caller's transaction."""
    found = {}
    with as_system():
        for role, name in _NAMES.items():
            user = getattr(world, name) if name else None
            found[role] = Person(role, user, busy_session_of(user) if user else "", _homes(world, role, user))
        for role, make in KINDS.items():
            user, key = make(world)
            found[role] = Person(role, user, key, _homes(world, role, user))
    return found


def _homes(world: World, role: str, user: User | None) -> frozenset[str]:
    """Where the person belongs, read from the rows and not through the product's own loading."""
    if user is None:
        return frozenset()
    rows = user.memberships.filter(status=MembershipStatus.ACTIVE).values_list("organization_id", flat=True)
    granted = {str(world.provider_a.pk)} if role == "auditor" else set()
    return frozenset({str(pk) for pk in rows} | granted)
