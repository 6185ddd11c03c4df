"""What the running transaction has written since a mark: row by row, exactly, whoever wrote it and how.

PostgreSQL knows: it counts changed tuples for each table in the transaction, and every row version names the
transaction that made it. What the business connection sees is compared with what `side` sees, which is what is
committed. So rows written by raw SQL, in bulk, or by triggers are found like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.privacy import Privacy

MOST_ROWS = 200
LONGEST_VALUE = 200
_SHOWN = frozenset({Privacy.PUBLIC, Privacy.INTERNAL})
_CHANGED_TABLES = """
SELECT relname FROM pg_stat_xact_user_tables
WHERE schemaname = 'public' AND n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname
"""
_OWN_ROWS = 'SELECT * FROM "{table}" WHERE age(xmin) <= age(%s::xid) LIMIT %s'
_LEAVING_ROWS = 'SELECT * FROM "{table}" WHERE xmax <> 0 AND age(xmax) <= age(%s::xid) LIMIT %s'
_BY_KEY = 'SELECT * FROM "{table}" WHERE "{key}"::text = ANY(%s)'


@dataclass(frozen=True, slots=True)
class Write:
    """One row that would be added, changed or deleted: table, key, and for each column the value before and after.
    None stands for columns whose values are personal or secret."""

    table: str
    row: str
    act: str
    columns: dict[str, tuple[str, str] | None]

    def as_json(self) -> dict[str, Any]:
        return {"table": self.table, "row": self.row, "act": self.act, "columns": self.columns}


def mark() -> str:
    """Give the running transaction a number, and return it: what is written from now on is found by it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::xid::text")
        return str(cursor.fetchone()[0])


def writes_since(marked: str) -> list[Write]:
    """What this transaction wrote since `mark`, at most MOST_ROWS rows of each table. Needs the system context."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED_TABLES)
        tables = [row[0] for row in cursor.fetchall()]
    with transaction.atomic(using="side"):
        with connections["side"].cursor() as cursor:
            cursor.execute("SELECT set_config('app.scope', 'system', true)")
        return [write for table in tables for write in _writes_to(table, marked)]


def _writes_to(table: str, marked: str) -> Iterator[Write]:
    model = _model_of(table)
    key = str(model._meta.pk.column) if model is not None and model._meta.pk is not None else "id"
    mine = {str(row[key]): row for row in _rows(connection, _OWN_ROWS, table, key, marked)}
    before = {str(row[key]): row for row in _by_key(connections["side"], table, key, mine)}
    for pk, row in mine.items():
        changed = _difference(model, before.get(pk), row)
        if changed:
            yield Write(table, pk, "change" if pk in before else "add", changed)
    leaving = {str(row[key]): row for row in _rows(connections["side"], _LEAVING_ROWS, table, key, marked)}
    still_here = {str(row[key]) for row in _by_key(connection, table, key, leaving)}
    for pk, row in leaving.items():
        if pk not in still_here:
            yield Write(table, pk, "delete", _difference(model, row, None))


def _rows(link: BaseDatabaseWrapper, sql: str, table: str, key: str, marked: str) -> list[dict[str, Any]]:
    with link.cursor() as cursor:
        cursor.execute(sql.format(table=table, key=key), [marked, MOST_ROWS])
        return _dicts(cursor)


def _by_key(link: BaseDatabaseWrapper, table: str, key: str, keys: Any) -> list[dict[str, Any]]:
    if not keys:
        return []
    with link.cursor() as cursor:
        cursor.execute(_BY_KEY.format(table=table, key=key), [list(keys)])
        return _dicts(cursor)


def _dicts(cursor: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _difference(
    model: type[models.Model] | None, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> dict[str, tuple[str, str] | None]:
    names = (after or before or {}).keys()
    changed = [name for name in names if (before or {}).get(name) != (after or {}).get(name)]
    return {
        name: (_text((before or {}).get(name)), _text((after or {}).get(name))) if _may_show(model, name) else None
        for name in changed
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)[:LONGEST_VALUE]


def _model_of(table: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models(include_auto_created=True) if model._meta.db_table == table), None)


def _may_show(model: type[models.Model] | None, column: str) -> bool:
    """Numbers, moments, states and keys may be shown; text only when it is declared to be no person's."""
    if model is None:
        return False
    field = next((each for each in model._meta.concrete_fields if each.column == column), None)
    if field is None:
        return False
    if isinstance(field, models.CharField | models.TextField | models.JSONField | models.BinaryField):
        declared = getattr(getattr(model, "instance_type", model), "privacy", {}).get(field.name)
        return bool(field.choices) or declared in _SHOWN
    return True
