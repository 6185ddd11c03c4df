"""One declaration of who may reach a row, from which both nets are made.

A model states its `scope` once. `ScopedQuerySet.visible_to` turns it into a WHERE clause, `core.rls` into row
security policies, and the console and the resources ask it which choices to offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import Exists, OuterRef, Q

from core.apps import core_config
from core.context import Actor, Kind


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may reach the rows of a table.

    organization, also  foreign keys to an organization whose members reach the row
    readers             foreign keys to an organization whose members may read the row and never write it
    person              path to the user the row is about (`client__user`, or `self` on the user itself)
    parent              foreign key whose row decides (`Scope.through`)
    reached_by          reverse relations that make the row visible (a user through memberships)
    public              column values that make a row readable by everyone
    key                 column whose value a visitor may present to read the row
    person_writes       whether the person may change the row, or only read it
    auth                reachable while signing in, up or out
    open_insert         anyone may add a row, without being able to read it back
    append_only         no runtime role may change or delete a row
    function_only       rows are added through a definer function only
    grantable           single rows may be opened by an explicit, audited grant
    everyone            readable by all (reference data); `infrastructure` also writable by all runtime roles
    """

    organization: str | None = None
    also: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    person: str | None = None
    parent: str | None = None
    reached_by: tuple[str, ...] = ()
    public: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    key: str | None = None
    person_writes: bool = True
    auth: bool = False
    open_insert: bool = False
    append_only: bool = False
    function_only: bool = False
    grantable: bool = False
    everyone: bool = False
    infrastructure: bool = False

    @classmethod
    def through(cls, parent: str, **options: Any) -> Self:
        """The row is reached by whoever reaches the row that the foreign key `parent` names."""
        return cls(parent=parent, **options)

    @classmethod
    def platform(cls, **options: Any) -> Self:
        """Platform staff and system work only."""
        return cls(**options)

    @classmethod
    def reference(cls) -> Self:
        """Readable by everyone, written by platform staff and system work."""
        return cls(everyone=True)

    @classmethod
    def shared(cls) -> Self:
        """Plumbing of the framework that holds no tenant's data."""
        return cls(everyone=True, infrastructure=True)

    def for_history(self) -> Self:
        """The scope of the model's old versions: same people, never public, never changed."""
        return replace(self, public=MappingProxyType({}), key=None, grantable=False, append_only=True)

    @property
    def owner_fields(self) -> tuple[str, ...]:
        """Foreign keys to organizations whose members may write the row."""
        return ((self.organization,) if self.organization else ()) + self.also

    @property
    def organization_fields(self) -> tuple[str, ...]:
        """Foreign keys to organizations whose members may read the row."""
        return self.owner_fields + self.readers


def scope_of(model: type[models.Model]) -> Scope:
    """The scope declared for a model, its history table or a package's model; ImproperlyConfigured if none is."""
    declared = getattr(model, "scope", None)
    if isinstance(declared, Scope):
        return declared
    tracked = getattr(model, "instance_type", None)
    if tracked is not None:
        return scope_of(tracked).for_history()
    external = core_config().external_scopes.get(model._meta.label_lower)
    if external is not None:
        return external
    raise ImproperlyConfigured(f"{model._meta.label} declares no scope.")


def visible_q(model: type[models.Model], actor: Actor, prefix: str = "", *, as_staff: bool = False) -> Q:
    """The condition under which `actor` may read rows of `model`, reached over `prefix`.

    `as_staff` leaves out what a person reaches for their own sake or as a member of the public.
    """
    scope = scope_of(model)
    if actor.sees_everything or scope.everyone or (scope.auth and actor.kind is Kind.AUTH):
        return Q()
    allowed = Q(**{f"{prefix}pk__in": []})
    for name in scope.organization_fields:
        path = f"{prefix}id" if name == "self" else f"{prefix}{name}"
        if actor.organization_ids:
            allowed |= Q(**{f"{path}__in": actor.organization_ids})
    if scope.person and actor.user_id and not as_staff:
        allowed |= Q(**{f"{prefix}{'id' if scope.person == 'self' else scope.person}": actor.user_id})
    if scope.parent:
        allowed |= visible_q(parent_model(model, scope.parent), actor, f"{prefix}{scope.parent}__", as_staff=as_staff)
    if scope.public and not as_staff:
        allowed |= Q(**{f"{prefix}{name}": value for name, value in scope.public.items()})
    if scope.key and actor.key and not as_staff:
        allowed |= Q(**{f"{prefix}{scope.key}": actor.key})
    if scope.grantable:
        allowed |= Q(**{f"{prefix}id__in": frozenset(actor.object_grants.get(model._meta.label_lower, ()))})
    for relation in scope.reached_by:
        allowed |= _reached(model, relation, actor, prefix, as_staff=as_staff)
    return allowed


def parent_model(model: type[models.Model], name: str) -> type[models.Model]:
    related = model._meta.get_field(name).related_model
    if not isinstance(related, type):
        raise ImproperlyConfigured(f"{model._meta.label}.{name} is no relation.")
    return related


def foreign_key_of(model: type[models.Model], name: str) -> models.ForeignKey[Any, Any]:
    """The foreign key `name` of the model; ImproperlyConfigured when it is something else."""
    found = model._meta.get_field(name)
    if not isinstance(found, models.ForeignKey):
        raise ImproperlyConfigured(f"{model._meta.label}.{name} is no foreign key.")
    return found


def reverse_relation(model: type[models.Model], name: str) -> tuple[type[models.Model], models.ForeignKey[Any, Any]]:
    """The model behind the reverse relation `name` and its foreign key; a history table answers for its original."""
    relation = getattr(model, "instance_type", model)._meta.get_field(name)
    if not isinstance(relation, models.ForeignObjectRel):
        raise ImproperlyConfigured(f"{model._meta.label}.{name} is no reverse relation.")
    child = relation.related_model
    return child, foreign_key_of(child, relation.field.name)


def _reached(model: type[models.Model], relation: str, actor: Actor, prefix: str, *, as_staff: bool) -> Q:
    child, foreign_key = reverse_relation(model, relation)
    reachable = visible_q(child, actor, as_staff=as_staff)
    rows = child._base_manager.filter(reachable, **{foreign_key.name: OuterRef(f"{prefix}id")})
    return Q(Exists(rows))


class ScopedQuerySet(models.QuerySet):
    """A queryset whose one door is `visible_to`."""

    def visible_to(self, actor: Actor) -> Self:
        """Rows the actor may read: the same rows that row security lets through."""
        return self.filter(visible_q(self.model, actor))

    def permitted_to(self, actor: Actor, permission: str) -> Self:
        """Rows on which the actor holds `permission` (`app.codename`): each judged by the membership reaching it."""
        narrowed = core_config().narrow(actor, permission)
        return self.filter(visible_q(self.model, narrowed, as_staff=True))

    def joined(self, *paths: str) -> Self:
        """`select_related` that keeps a row whose related row is out of the reader's sight, where an inner join would
        drop it: reading that relation raises DoesNotExist."""
        rows: Self = self.select_related(*paths) if paths else self.all()
        query = rows.query
        for path in paths:
            start = query.get_initial_alias()
            for alias in query.setup_joins(path.split("__"), query.get_meta(), start).joins[1:]:
                join: Any = query.alias_map[alias]
                query.alias_map[alias] = join.promote()
                query.unref_alias(alias)
        return rows

    def locked(self) -> Self:
        """Lock the rows for this transaction, in primary-key order so that two lockers never wait for each other."""
        return self.select_for_update(of=("self",)).order_by("pk")


ScopedManager = models.Manager.from_queryset(ScopedQuerySet)


def organizations_of(row: models.Model, *, writing: bool = False) -> frozenset[UUID]:
    """The organizations whose memberships decide about `row`, by its scope and its parents'. For `writing` those
    count only that the row belongs to: neither its readers nor whoever sees it through another row."""
    scope = scope_of(type(row))
    names = scope.owner_fields if writing else scope.organization_fields
    found = {row.pk if name == "self" else getattr(row, foreign_key_of(type(row), name).attname) for name in names}
    if scope.parent:
        parent = getattr(row, scope.parent)
        found |= organizations_of(parent, writing=writing) if parent is not None else frozenset()
    for relation in () if writing else scope.reached_by:
        child, foreign_key = reverse_relation(type(row), relation)
        for related in child._base_manager.filter(**{foreign_key.name: row.pk}):
            found |= organizations_of(related)
    return frozenset(found - {None})
