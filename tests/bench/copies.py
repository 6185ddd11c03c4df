"""Many copies of what a run of the product wrote, so that a full database can be tried without waiting for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

Judge = psycopg.Connection[Any]
# Ids of any kind of row, kept as text.
NAMED = frozenset({"subject_id", "target_id"})
_COLUMNS = """
SELECT a.attname, a.atttypid::regtype::text,
    a.attgenerated <> '' OR a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval%%', false),
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)),
    (SELECT f.confrelid::regclass::text FROM pg_constraint f
        WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] LIMIT 1)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
_NEW = sql.SQL("SELECT count(*) FROM {} WHERE xmin::text::bigint >= {}")


def now(judge: Judge) -> int:
    """The transaction from which on rows count as new."""
    row: Any = judge.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    return int(row[0])


def grown(judge: Judge, since: int, least: int) -> dict[str, int]:
    """The tables with at least so many rows written since, and how many those are."""
    counts = {}
    for (name,) in judge.execute(_TABLES).fetchall():
        row: Any = judge.execute(_NEW.format(sql.Identifier(name), since)).fetchone()
        if row[0] >= least:
            counts[str(name)] = int(row[0])
    return counts


def copy_rows(judge: Judge, since: int, tables: dict[str, int], times: int) -> None:
    """Each new row of the tables so many times more, with ids of its own that fit together across the tables, and with
    numbers and words of its own where they must be. No trigger and no foreign key is asked."""
    judge.execute("SET session_replication_role = replica")
    for table in tables:
        pairs = list(_expressions(judge, table, tables))
        judge.execute(
            sql.SQL(
                "INSERT INTO {table} ({names}) SELECT {values} FROM {table} t, generate_series(1, {times}) n"
                " WHERE t.xmin::text::bigint >= {since}"
            ).format(
                table=sql.Identifier(table),
                names=sql.SQL(", ").join(sql.Identifier(name) for name, _value in pairs),
                values=sql.SQL(", ").join(value for _name, value in pairs),
                times=times,
                since=since,
            )
        )
    judge.execute("RESET session_replication_role")


def _expressions(judge: Judge, table: str, tables: dict[str, int]) -> Iterator[tuple[str, sql.Composable]]:
    for name, kind, counts_itself, is_unique, parent in judge.execute(_COLUMNS, [table]).fetchall():
        if counts_itself:
            continue
        column = sql.Identifier("t", name)
        follows = parent in tables if parent else is_unique or name == "id"
        if kind == "uuid" and follows:
            yield name, sql.SQL("md5({}::text || n)::uuid").format(column)
        elif name in NAMED:
            yield name, sql.SQL("md5({} || n)::uuid::text").format(column)
        elif is_unique and not parent and kind in ("character varying", "text"):
            yield name, sql.SQL("{} || '-' || n").format(column)
        elif is_unique and not parent and kind in ("integer", "bigint"):
            yield name, sql.SQL("{} + n * {}").format(column, tables[table])
        else:
            yield name, column
