"""How many rows a list has, without counting them all: exactly up to a bound, about as many beyond it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.core.paginator import Paginator
from django.db import connection, models
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from core.context import current_actor

BOUND = 10_000
_FRESH_SECONDS = 60.0
_MOST_REMEMBERED = 500
_COUNT = "(SELECT count(*) FROM (SELECT 1 FROM ({}) AS every_row LIMIT {}) AS held)"
_END = "(SELECT {}(at) FROM ({}) AS ends(at))"
_estimates: dict[str, tuple[float, float]] = {}


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows: `is_exact`, or the planner's guess, or (`is_floor`) only what it certainly exceeds."""

    number: int
    is_exact: bool = True
    is_floor: bool = False

    def __str__(self) -> str:
        if self.is_exact:
            return number_format(self.number, force_grouping=True)
        words = _("more than %(count)s") if self.is_floor else _("about %(count)s")
        return words % {"count": number_format(self.number, force_grouping=True)}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first and the last moment or day of a column, None for an empty list."""

    first: Any = None
    last: Any = None


class BoundedPaginator(Paginator):
    """For look-ups of related rows: counts at most BOUND."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:BOUND].count()
        return super().count


class Survey:
    """How many rows a list has, and the bounds of its column of dates, asked for together with a page of it."""

    def __init__(
        self, rows: QuerySet[Any], everything: QuerySet[Any], branches: Sequence[Q], dates: str = "",
        *, known: Count | None = None, found: QuerySet[Any] | None = None,
    ) -> None:  # fmt: skip
        """Where the planner expects more than BOUND `rows` nothing is counted; a `known` count is taken as it is. The
        rows are counted along the branches; few, `found` by their ids, along those. The bounds are those of
        `everything`, which is walked from both ends of an index."""
        light = (found if found is not None else rows).select_related(None).prefetch_related(None).order_by()
        ways = branches if found is None else [Q()]
        self.known = known or expected(light, ways)
        self.parts: dict[str, tuple[str, list[Any]]] = {}
        if self.known is None:
            sql, given = _union([light.filter(way).values_list("pk")[: BOUND + 1] for way in ways])
            self.parts["survey_count"] = (_COUNT.format(sql, BOUND + 1), given)
        if dates:
            for name, function, sign in (("survey_first", "min", ""), ("survey_last", "max", "-")):
                sql, given = _union([_end(everything.filter(branch), dates, sign) for branch in branches])
                self.parts[name] = (_END.format(function, sql), given)

    def beside(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the answers at each of them; they are computed once."""
        return rows.annotate(**{name: RawSQL(sql, given) for name, (sql, given) in self.parts.items()})  # noqa: S611 -- what Django compiled

    def read(self, row: Any) -> tuple[Count, Bounds]:
        """The answers at a row from `beside`."""
        return self._answer({name: getattr(row, name) for name in self.parts})

    def ask(self) -> tuple[Count, Bounds]:
        """The answers in a statement of their own, for a page without rows."""
        if not self.parts:
            return self._answer({})
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT " + ", ".join(sql for sql, _ in self.parts.values()),
                [value for _, given in self.parts.values() for value in given],
            )
            return self._answer(dict(zip(self.parts, cursor.fetchone(), strict=True)))

    def _answer(self, found: dict[str, Any]) -> tuple[Count, Bounds]:
        number = found.pop("survey_count", 0)
        counted = Count(number) if number <= BOUND else Count(BOUND, is_exact=False, is_floor=True)
        return self.known or counted, Bounds(*found.values())


def _end(rows: QuerySet[Any], column: str, sign: str) -> QuerySet[Any]:
    light = rows.select_related(None).prefetch_related(None).exclude(**{column: None})
    return light.order_by(f"{sign}{column}").values_list(column)[:1]


def _union(parts: Sequence[QuerySet[Any]]) -> tuple[str, list[Any]]:
    compiled = []
    for part in parts:
        with suppress(EmptyResultSet):  # Django knows that it holds nothing
            compiled.append(part.query.sql_with_params())
    if not compiled:
        return "SELECT NULL WHERE false", []
    return " UNION ALL ".join(f"({sql})" for sql, _ in compiled), [each for _, given in compiled for each in given]


def expected(rows: QuerySet[Any], branches: Sequence[Q]) -> Count | None:
    """The planner's guess, rounded to two digits, where it is above BOUND. Row security spoils every guess by the same
    factor, which is learnt from the guess for the whole table; what was guessed stays for a minute."""
    sql, params = _union([rows.filter(branch).values_list("pk") for branch in branches])
    actor = current_actor()
    kind = actor.kind if actor is not None else ""
    guess = _remembered(("rows", kind, sql, params), lambda: _guess(sql, params))
    if guess <= 0:
        return None
    table = rows.model._meta.db_table
    number = guess * _remembered(("factor", kind, table), lambda: _factor(table))
    return Count(_rounded(number), is_exact=False) if number > BOUND else None


def _factor(table: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table])
        held = float(cursor.fetchone()[0])
    return max(1.0, held / max(_guess(f"TABLE {connection.ops.quote_name(table)}", []), 1))


def _guess(sql: str, params: Sequence[Any]) -> float:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql, params)
        answer = cursor.fetchone()[0]
    plan = json.loads(answer) if isinstance(answer, str) else answer
    return float(plan[0]["Plan"]["Plan Rows"])


def _remembered(key: Any, work: Callable[[], float]) -> float:
    name = json.dumps(key, default=str)
    known = _estimates.get(name)
    if known is None or known[0] < time.monotonic() - _FRESH_SECONDS:
        if len(_estimates) > _MOST_REMEMBERED:
            _estimates.clear()
        known = _estimates[name] = (time.monotonic(), work())
    return known[1]


def _rounded(number: float) -> int:
    step = 10 ** max(int(math.log10(number)) - 1, 0)
    return round(number / step) * step
