"""Who is acting, and how the database learns it.

An `Actor` is loaded once per request or job. `acting()` opens a transaction and hands the actor to PostgreSQL with
transaction-local settings, so that row security and the ORM judge by the same facts. Outside `acting()` there is no
context, and without context no protected row can be seen.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from django.db import connection, transaction


class Kind(enum.StrEnum):
    """What a context may reach. `SYSTEM` is honoured by row security for the worker's and owner's roles only."""

    ANONYMOUS = "anonymous"
    AUTH = "auth"
    PERSON = "person"
    PLATFORM = "platform"
    SYSTEM = "system"


def _nothing() -> Mapping[Any, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Actor:
    """The person, process or visitor behind an act.

    `memberships` maps organization id to role. `granted` maps organization id to the permissions a guardian grant
    gives there; `object_grants` maps a model label to single rows and their permissions. `key` is a secret the visitor
    presented (an invitation token's hash, a certificate code): rows that carry it may be read.
    """

    kind: Kind = Kind.ANONYMOUS
    user_id: uuid.UUID | None = None
    label: str = "anonymous"
    platform_role: str = ""
    memberships: Mapping[uuid.UUID, str] = field(default_factory=_nothing)
    granted: Mapping[uuid.UUID, frozenset[str]] = field(default_factory=_nothing)
    object_grants: Mapping[str, Mapping[uuid.UUID, frozenset[str]]] = field(default_factory=_nothing)
    key: str = ""

    @property
    def organization_ids(self) -> frozenset[uuid.UUID]:
        """Every organization whose rows the actor may see: memberships and explicit grants."""
        return frozenset(self.memberships) | frozenset(self.granted)

    @property
    def sees_everything(self) -> bool:
        return self.kind in (Kind.PLATFORM, Kind.SYSTEM)


ANONYMOUS = Actor()
_current: ContextVar[Actor | None] = ContextVar("certaos_actor", default=None)
_system_user: ContextVar[uuid.UUID | None] = ContextVar("certaos_system_user", default=None)


def current_actor() -> Actor | None:
    """The actor of the running request, job or command, or None outside of all of them."""
    return _current.get()


def person_of(actor: Actor) -> uuid.UUID:
    """The user behind an actor. LookupError for visitors and for system work that no user stands for."""
    if actor.user_id is None:
        raise LookupError(f"{actor.label} is no person.")
    return actor.user_id


def use_worker_actor(user_id: uuid.UUID | None) -> None:
    """Name the user that history and audit show for system work in this process."""
    _system_user.set(user_id)


def system_actor(job: str) -> Actor:
    """An actor for work that belongs to no request; `job` names the work in history and audit."""
    return Actor(kind=Kind.SYSTEM, user_id=_system_user.get(), label=f"system: {job}")


def _apply(actor: Actor | None, *, read_only: bool = False) -> None:
    organizations = "{" + ",".join(str(pk) for pk in sorted(actor.organization_ids)) + "}" if actor else "{}"
    with connection.cursor() as cursor:
        if read_only:
            cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(
            "SELECT set_config('app.scope', %s, true), set_config('app.user_id', %s, true),"
            " set_config('app.organizations', %s, true), set_config('app.key', %s, true)",
            [
                str(actor.kind) if actor else "",
                str(actor.user_id) if actor and actor.user_id else "",
                organizations,
                actor.key if actor else "",
            ],
        )


@contextmanager
def acting(actor: Actor, *, read_only: bool = False) -> Iterator[Actor]:
    """Open a transaction in which the database sees `actor`; the outer context returns when the block ends.

    A setting made inside a savepoint outlives the savepoint, so the outer context is written back explicitly.
    `read_only` makes the whole transaction refuse writes.
    """
    outer = _current.get()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _apply(actor, read_only=read_only)
        token = _current.set(actor)
        try:
            yield actor
        finally:
            _current.reset(token)
        if nested and not connection.needs_rollback:
            _apply(outer)


def switch_actor(actor: Actor) -> None:
    """Replace the context of the running transaction, for the middleware that learns who acts step by step."""
    if not connection.in_atomic_block:
        raise RuntimeError("switch_actor needs the transaction that acting() opened.")
    _apply(actor)
    _current.set(actor)


@contextmanager
def presenting(key: str) -> Iterator[Actor]:
    """Let rows be read that carry `key`, beside everything the current actor may read anyway."""
    with acting(replace(_current.get() or ANONYMOUS, key=key)) as actor:
        yield actor
