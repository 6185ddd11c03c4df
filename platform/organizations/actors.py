"""Load who acts, and keep of an actor only what carries a permission."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.contrib.auth import logout
from django.db.models import CharField, Value
from django.db.models.functions import Cast
from django.http import HttpRequest
from guardian.models import UserObjectPermission

from accounts.models import User
from accounts.sessions import seconds_left
from core.context import ANONYMOUS, Actor, Kind
from organizations.models import Membership
from organizations.roles import EVERY_VIEW, carries, platform_role_carries, role_carries

GENERATION_KEY = "session_generation"
AUDIT = "organizations.audit_organization"
_ORGANIZATION = "organizations.organization"


def load_actor(user: User) -> Actor:
    """The actor for a signed-in user: memberships and explicit grants in one query, nothing cached beyond the user."""
    memberships: dict[UUID, str] = {}
    grants: list[tuple[str, ...]] = []
    for label, model, pk, name, owner in _held(user).union(_granted(user), all=True):
        if owner:
            grants.append((f"{label}.{model}", pk, f"{owner}.{name}"))
        else:
            memberships[UUID(pk)] = name
    granted, objects = _by_object(grants)
    return Actor(
        kind=Kind.PLATFORM if user.platform_role else Kind.PERSON,
        user_id=user.pk,
        label=user.email,
        platform_role=user.platform_role,
        memberships=MappingProxyType(memberships),
        granted=MappingProxyType(granted),
        object_grants=MappingProxyType(objects),
    )


def _held(user: User) -> Any:
    """The active memberships, in the shape of grants without an owner. Without an order: the usual one joins the
    organizations, which nobody reaches before the actor is known."""
    rows: Any = Membership.objects.active().filter(user=user).order_by()
    nothing = Value("", CharField())
    return rows.values_list(nothing, nothing, Cast("organization_id", CharField()), Cast("role", CharField()), nothing)


def _granted(user: User) -> Any:
    return UserObjectPermission.objects.filter(user=user).values_list(
        "content_type__app_label", "content_type__model", "object_pk", "permission__codename",
        "permission__content_type__app_label",
    )  # fmt: skip


def _by_object(
    grants: Iterable[tuple[str, ...]],
) -> tuple[dict[UUID, frozenset[str]], dict[str, dict[UUID, frozenset[str]]]]:
    """What was granted on organizations, and on other rows by the label of their model."""
    found: dict[str, dict[UUID, set[str]]] = defaultdict(lambda: defaultdict(set))
    for label, pk, permission in grants:
        found[label][UUID(pk)].add(permission)
    for permissions in found[_ORGANIZATION].values():
        if AUDIT in permissions:
            permissions.add(EVERY_VIEW)
    frozen = {label: {pk: frozenset(perms) for pk, perms in by_pk.items()} for label, by_pk in found.items()}
    return frozen.pop(_ORGANIZATION, {}), frozen


def actor_of(request: HttpRequest) -> Actor:
    """The actor of a request with a signed-in session; a session from before the last role change is ended, and so is
    one that lay idle or lasted too long."""
    user: Any = request.user
    if not user.is_authenticated:
        return ANONYMOUS
    if request.session.get(GENERATION_KEY) != user.session_generation:
        logout(request)
        return ANONYMOUS
    actor = load_actor(user)
    if seconds_left(request.session, actor) <= 0:
        logout(request)
        return ANONYMOUS
    user.actor = actor
    return actor


def actor_for(user: Any) -> Actor:
    """The actor already loaded for this request's user, or a fresh one."""
    known = getattr(user, "actor", None)
    if known is None:
        known = load_actor(user) if user.is_authenticated else ANONYMOUS
        user.actor = known
    return known


def narrow(actor: Actor, permission: str) -> Actor:
    """`actor` with only those memberships and grants that carry `permission`, and platform sight only if its
    platform role does."""
    if actor.kind is Kind.SYSTEM:
        return actor
    everywhere = actor.kind is Kind.PLATFORM and platform_role_carries(actor.platform_role, permission)
    return replace(
        actor,
        kind=Kind.PLATFORM if everywhere else Kind.PERSON,
        memberships={pk: role for pk, role in actor.memberships.items() if role_carries(role, permission)},
        granted={pk: perms for pk, perms in actor.granted.items() if carries(perms, permission)},
        object_grants={
            label: {pk: perms for pk, perms in rows.items() if carries(perms, permission)}
            for label, rows in actor.object_grants.items()
        },
    )
