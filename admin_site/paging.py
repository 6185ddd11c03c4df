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
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Func, OrderBy, RawSQL
from django.utils.dateparse import parse_date, parse_datetime

from core.context import Actor
from core.crypto import SealBroken, seal, unseal
from core.scope import Scope, ScopedQuerySet, scope_of
from organizations.actors import narrow

MOST_BRANCHES = 12
QuerySetT = TypeVar("QuerySetT", bound="QuerySet[Any]")


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


def unscoped(rows: QuerySetT, actor: Actor, permission: str) -> QuerySetT:
    """The rows without the condition of `permitted_to`, for walks along branches that each imply it: said twice, it
    makes the planner expect so few rows that it reads all of them. Never for rows that are shown."""
    (scope,) = ScopedQuerySet(model=rows.model).permitted_to(actor, permission).query.where.children or (None,)
    found = rows.all()
    if scope in found.query.where.children:
        found.query.where.children.remove(scope)
    return found


def top(
    rows: QuerySet[Any], branches: Sequence[Q], keys: Sequence[Key], *, limit: int, offset: int = 0,
    walked: QuerySet[Any] | None = None,
) -> QuerySet:  # fmt: skip
    """The first rows in this order, merged from the branches; annotated with the values of the keys.

    Each branch walks its own index and stops at the limit. What else is shown of a row is asked for those ids alone:
    beside a walk the planner would prepare it for every row the walk might meet. `walked` are the rows, `unscoped`.
    """
    order = [key.order() for key in keys]
    names = [f"at_{n}" for n in range(len(keys))]
    at = {name: key.expression for name, key in zip(names, keys, strict=True)}
    marked = rows.annotate(**at)
    light = (
        (rows if walked is None else walked)
        .annotate(**at)
        .select_related(None)
        .prefetch_related(None)
        .order_by(*order)
        .values_list("pk", *names)
    )
    walks: list[tuple[str, tuple[Any, ...]]] = []
    for branch in branches:
        with suppress(EmptyResultSet):
            walks.append(light.filter(branch)[: offset + limit].query.sql_with_params())
    if not walks:
        return marked.none()
    directions = ", ".join(f"{name}{' DESC' if key.descending else ''}" for name, key in zip(names, keys, strict=True))
    merged = (
        f"SELECT page.id FROM ({' UNION ALL '.join(f'({sql})' for sql, _ in walks)}) AS page(id, {', '.join(names)})"  # noqa: S608 -- what Django compiled, with its parameters; the names are ours
        f" ORDER BY {directions} LIMIT {int(limit)} OFFSET {int(offset)}"
    )
    chosen = RawSQL(f"(ARRAY({merged}))", [value for _, given in walks for value in given])  # noqa: S611 -- the same
    return marked.filter(_Among(F("pk"), chosen)).order_by(*order)


class _Among(Func):
    """Whether a column is one of an array, which the planner takes for a few values."""

    template = "%(expressions)s"
    arg_joiner = " = ANY "
    output_field = models.BooleanField()


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
