"""Orders of a list that an index walks: one column, and behind it what the index goes on with."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from core.search import HiddenText


def walk_of(model: type[models.Model], order: Any) -> tuple[str, ...] | None:
    """What stands behind this order, upwards, in an index that begins with it, alone or behind a foreign key; None
    where no index does."""
    if isinstance(order, HiddenText):
        return ("id",)
    name = str(getattr(order, "name", order)).removeprefix("-")
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    if not isinstance(field, models.Field):
        return None
    for index in model._meta.indexes:
        if index.condition is None and (rest := _after(model, list(index.fields), name)) is not None:
            return rest
    return () if field.primary_key or field.unique or (field.db_index and not field.remote_field) else None


def _after(model: type[models.Model], fields: list[str], name: str) -> tuple[str, ...] | None:
    names = [each.removeprefix("-") for each in fields]
    if name not in names[:2]:
        return None
    at = names.index(name)
    if at == 1 and not model._meta.get_field(names[0]).remote_field:
        return None
    rest = tuple(fields[at + 1 :])
    return turned(rest) if fields[at].startswith("-") else rest


def turned(order: tuple[str, ...]) -> tuple[str, ...]:
    """The same order from its other end."""
    return tuple(each.removeprefix("-") if each.startswith("-") else f"-{each}" for each in order)


def sorted_by(order: Any, *, descending: bool, rest: tuple[str, ...]) -> list[Any]:
    """A whole order: this column in this direction, then the rest of its index."""
    if isinstance(order, str):
        descending ^= order.startswith("-")
        first: Any = f"{'-' if descending else ''}{order.removeprefix('-')}"
    else:
        first = order.desc() if descending else order.asc()
    return [first, *(turned(rest) if descending else rest)]
