"""Pages of a list that cost the same wherever they are.

A page is found by the values of the row before it (a cursor), not by counting rows off; numbered pages exist where
the count is known. What a person sees through several organizations, or through two foreign keys, is read as several
index scans that PostgreSQL merges, because no index orders an OR.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy, RawSQL
from django.utils.dateparse import parse_date, parse_datetime

from core.context import Actor
from core.crypto import SealBroken, seal, unseal
from core.scope import Scope, scope_of
from organizations.actors import narrow

MOST_BRANCHES = 12


class BadCursor(Exception):
    """A cursor that was made for another list, altered, or sealed by a key that is gone."""


@dataclass(frozen=True, slots=True)
class Key:
    """One expression of a list's order. `nullable` ones sort as PostgreSQL does: last upwards, first downwards."""

    expression: Any
    descending: bool
    nullable: bool

    def reversed(self) -> Key:
        return Key(self.expression, not self.descending, self.nullable)

    def order(self) -> OrderBy:
        return self.expression.desc() if self.descending else self.expression.asc()


def keys_of(model: type[models.Model], ordering: Sequence[Any]) -> list[Key]:
    """The order of a queryset as keys, made total by the primary key."""
    keys: dict[str, Key] = {}
    for part in ordering:
        if isinstance(part, OrderBy):
            expression, descending = part.expression, part.descending
        elif isinstance(part, str):
            expression, descending = F(part.removeprefix("-")), part.startswith("-")
        else:
            expression, descending = part, False
        if isinstance(expression, F) and _is_primary(model, expression.name):
            return [*keys.values(), Key(F("pk"), descending, nullable=False)]
        keys.setdefault(repr(expression), Key(expression, descending, _is_nullable(model, expression)))
    return [*keys.values(), Key(F("pk"), descending=False, nullable=False)]


def _is_primary(model: type[models.Model], name: str) -> bool:
    return name in {"pk", model._meta.pk.name}


def _is_nullable(model: type[models.Model], expression: Any) -> bool:
    if not isinstance(expression, F):
        return False
    try:
        return bool(getattr(model._meta.get_field(expression.name), "null", True))
    except FieldDoesNotExist:
        return True


def beyond(keys: Sequence[Key], values: Sequence[Any]) -> list[Q]:
    """Conditions, no two true of one row, that together hold for the rows after these values."""
    key, value = keys[0], values[0]
    expression = key.expression
    same = Q(_null(expression, wanted=True)) if value is None else Q(_is(expression, "exact", value))
    found = [same & rest for rest in beyond(keys[1:], values[1:])] if len(keys) > 1 else []
    if value is None:
        return [*found, Q(_null(expression, wanted=False))] if key.descending else found
    found.append(Q(_is(expression, "lt" if key.descending else "gt", value)))
    if key.nullable and not key.descending:
        found.append(Q(_null(expression, wanted=True)))
    return found


_LOOKUPS = {
    "exact": models.lookups.Exact, "lt": models.lookups.LessThan, "gt": models.lookups.GreaterThan,
}  # fmt: skip


def _is(expression: Any, lookup: str, value: Any) -> Any:
    return _LOOKUPS[lookup](expression, value)


def _null(expression: Any, *, wanted: bool) -> Any:
    return models.lookups.IsNull(expression, wanted)


def branches_of(model: type[models.Model], actor: Actor, permission: str) -> list[Q]:
    """The ways by which `actor` sees rows with `permission`, each one equality an index can begin with and no row in
    two of them; a single condition that is always true where that cannot be said."""
    scope: Scope = scope_of(model)
    actor = narrow(actor, permission)
    whole = [Q()]
    if actor.sees_everything or scope.everyone or scope.parent or scope.reached_by or not scope.organization_fields:
        return whole
    if actor.object_grants.get(model._meta.label_lower):
        return whole
    homes = sorted(actor.organization_ids)
    if not homes or len(homes) * len(scope.organization_fields) > MOST_BRANCHES:
        return whole
    found, earlier = [], Q()
    for name in scope.organization_fields:
        path = "id" if name == "self" else name
        found += [Q(**{path: home}) & earlier for home in homes]
        earlier &= ~Q(**{f"{path}__in": homes})
    return found


def top(rows: QuerySet[Any], branches: Sequence[Q], keys: Sequence[Key], *, limit: int, offset: int = 0) -> QuerySet:
    """The first rows in this order, merged from the branches; annotated with the values of the keys."""
    order = [key.order() for key in keys]
    marked = rows.annotate(**{f"at_{n}": key.expression for n, key in enumerate(keys)})
    if len(branches) == 1:
        return marked.filter(branches[0]).order_by(*order)[offset : offset + limit]
    light = marked.select_related(None).prefetch_related(None).order_by()
    names = [f"at_{n}" for n in range(len(keys))]
    parts = [light.filter(branch).values_list("pk", *names) for branch in branches]
    page = parts[0].union(*parts[1:], all=True)
    page = page.order_by(*(("-" if key.descending else "") + name for key, name in zip(keys, names, strict=True)))
    try:
        sql, params = page[offset : offset + limit].query.sql_with_params()
    except EmptyResultSet:
        return marked.none()
    columns = ", ".join(["id", *names])
    # What Django compiled, with its parameters; the names are ours.
    chosen = RawSQL(f"SELECT page.id FROM ({sql}) AS page({columns})", params)  # noqa: S608, S611 -- see the line above
    return marked.filter(pk__in=chosen).order_by(*order)


def values_of(row: Any, keys: Sequence[Key]) -> list[Any]:
    """Where a row from `top` stands in the order."""
    return [getattr(row, f"at_{n}") for n in range(len(keys))]


def cursor_for(values: Sequence[Any], *, binding: str) -> str:
    """The values sealed for an address: they may be names. It opens only with the same `binding`."""
    body = json.dumps([_packed(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(seal(body, bound_to=binding).encode()).decode().rstrip("=")


def read_cursor(text: str, *, binding: str) -> list[Any]:
    """The values in a cursor; BadCursor for anything that this list did not make."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        return [_unpacked(value) for value in json.loads(unseal(sealed, bound_to=binding))]
    except (SealBroken, ValueError) as error:
        raise BadCursor from error


_READERS: dict[str, Callable[[str], Any]] = {"u": UUID, "t": parse_datetime, "d": parse_date}


def _packed(value: Any) -> Any:
    if isinstance(value, UUID):
        return {"u": str(value)}
    if isinstance(value, dt.datetime):
        return {"t": value.isoformat()}
    if isinstance(value, dt.date):
        return {"d": value.isoformat()}
    return value


def _unpacked(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return _READERS[kind](text)
