"""Rows out of PostgreSQL, one at a time, by COPY: memory does not grow, and row security stays in force.

COPY needs no server-side cursor, so it works behind a pooler; it runs in the caller's transaction, as the caller's
role, with the caller's context.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from django.db import connection, models
from django.db.models.sql.compiler import SQLCompiler

from resources.columns import Cell, Column
from resources.lines import csv_line

_TYPES = {
    Cell.TEXT: "text",
    Cell.CODE: "text",
    Cell.NUMBER: "numeric",
    Cell.FLAG: "bool",
    Cell.DAY: "date",
    Cell.MOMENT: "timestamptz",
}
# A message of a binary COPY: the number of columns in two bytes, then the only column's length in four.
_HEAD = 6
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
_FIRST_HEAD = len(_SIGNATURE) + 8


def csv_lines(rows: models.QuerySet, columns: Sequence[Column], *, zone: str) -> Generator[bytes]:
    """Every row as a line of safe CSV without its end, written by the database. Moments stand in `zone`."""
    statement, params = _statement(rows, columns, csv_line(columns))
    first = True
    with closing(_copied(f"{statement} (FORMAT binary)", params, zone)) as messages:
        for message in messages:
            data = bytes(message)
            if first:
                data, first = data[_FIRST_HEAD:], False
            if len(data) > _HEAD:
                yield data[_HEAD:]


def values(rows: models.QuerySet, columns: Sequence[Column], *, zone: str) -> Generator[tuple[Any, ...]]:
    """Every row as native values, whole numbers as int. Moments stand in `zone`."""
    names = ", ".join(f"q.c{number}::{_TYPES[column.cell]}" for number, column in enumerate(columns))
    statement, params = _statement(rows, columns, names)
    with _in_zone(zone), connection.connection.cursor() as cursor, cursor.copy(statement, params) as copy:
        copy.set_types([_TYPES[column.cell] for column in columns])
        for row in copy.rows():
            yield tuple(map(_native, row))


def raw(rows: models.QuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """What PostgreSQL's own CSV makes of the same rows, without any care for spreadsheets: the yardstick."""
    names = ", ".join(f"q.c{number}" for number in range(len(columns)))
    statement, params = _statement(rows, columns, names)
    yield from map(bytes, _copied(f"{statement} (FORMAT csv)", params, "UTC"))


def _statement(rows: models.QuerySet, columns: Sequence[Column], shown: str) -> tuple[str, tuple[Any, ...]]:
    inner, params = _compiled(rows.values_list(*(column.path for column in columns)))
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    return f"COPY (SELECT {shown} FROM ({inner}) AS q({names})) TO STDOUT", params  # noqa: S608 -- put together from declared columns and Django's own statement; values stay parameters


def _compiled(rows: models.QuerySet) -> tuple[str, tuple[Any, ...]]:
    """Django's statement; one that gives no row where Django knows that without asking."""
    compiler: SQLCompiler = rows.query.get_compiler(connection=connection, elide_empty=False)
    statement, params = compiler.as_sql()
    return statement, tuple(params)


def _copied(statement: str, params: tuple[Any, ...], zone: str) -> Generator[memoryview | bytes]:
    with _in_zone(zone), connection.connection.cursor() as cursor, cursor.copy(statement, params) as copy:
        yield from copy


@contextmanager
def _in_zone(zone: str) -> Iterator[None]:
    """Moments leave in `zone`; the transaction's own zone comes back afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), set_config('TimeZone', %s, true)", [zone])
        before = cursor.fetchone()[0]
    yield  # on a fault the transaction is rolled back, and the setting with it
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [before])


def _native(value: Any) -> Any:
    return int(value) if getattr(value, "as_tuple", None) and value.as_tuple().exponent == 0 else value
