"""What an export's columns are in the database: a path, and how its cells are written."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models import F


class Cell(enum.Enum):
    """How a value leaves. TEXT may hold anything a person typed; CODE is text the database itself makes (an id)."""

    TEXT = "text"
    CODE = "code"
    NUMBER = "number"
    FLAG = "flag"
    DAY = "day"
    MOMENT = "moment"


_CELLS: tuple[tuple[type[models.Field], Cell], ...] = (
    (models.UUIDField, Cell.CODE),
    (models.BooleanField, Cell.FLAG),
    (models.DateTimeField, Cell.MOMENT),
    (models.DateField, Cell.DAY),
    (models.IntegerField, Cell.NUMBER),
    (models.DecimalField, Cell.NUMBER),
    (models.FloatField, Cell.NUMBER),
    (models.CharField, Cell.TEXT),
    (models.TextField, Cell.TEXT),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an export: its heading, the path or annotation it is read from, and its kind of cell."""

    name: str
    path: str
    cell: Cell


def resolved(rows: models.QuerySet, named: Sequence[tuple[str, str]]) -> list[Column]:
    """The columns for (heading, path) pairs over `rows`; ImproperlyConfigured for a kind of value no file can hold."""
    return [Column(name, path, cell_of(rows, path)) for name, path in named]


def cell_of(rows: models.QuerySet, path: str) -> Cell:
    """The kind of cell behind a path or an annotation of `rows`."""
    field = F(path).resolve_expression(rows.query.chain()).output_field
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    for kind, cell in _CELLS:
        if isinstance(field, kind):
            return cell
    raise ImproperlyConfigured(f"{path} is a {type(field).__name__}, which no export can write.")
