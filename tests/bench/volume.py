"""Databases with as many enrollments as a bench asks for, built once and kept beside the test template.

    def test_the_import_flies(databases, volume):
        name = volume(1_000_000)                    # built the first time, then found; read it, leave it as it is
        with pointed_at(name), acting(actor): ...   # Django's own connection works there

        with copied(databases, name) as mine: ...   # for whoever writes: a copy that is dropped at the end

The world of `tests.factories` is inside (`world_of(name)`), its Provider A holding a quarter of all rows; around it are
18 providers, 30 firms, clients, households, requests, enrollments in every status, payments, certificates and filings,
and behind them waivers, jobs and mails that are done with.
Every id follows from a number (`md5('enrollment:7')`), so that the same size has the same rows. Columns that are not
named here get their model's default. No history and no audit events are written: nobody acted.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.bench import background, rows
from tests.database import LOCAL, ROOT, Databases
from tests.factories.names import World

SHAPING = ("platform/*/migrations/*.py", "platform/*/models.py", "tests/factories/*.py", "tests/bench/volume.py",
           "tests/bench/rows.py", "tests/bench/background.py", "tests/bench/names.txt")  # fmt: skip


def build(databases: Databases, enrollments: int) -> str:
    """The name of the database with `enrollments` rows beside the world's own; policies are those declared now."""
    databases.ensure_template()
    name = f"volume_{enrollments}_{_shape()}"
    LOCAL.mkdir(parents=True, exist_ok=True)
    with (LOCAL / "volume.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if name not in databases.cluster.databases():
            _forget_older(databases, f"volume_{enrollments}_")
            draft = f"draft_volume_{os.getpid()}"
            databases.cluster.drop_database(draft)
            databases.cluster.create_database(draft, template=databases.template)
            shutil.copy(LOCAL / f"{databases.template}.json", LOCAL / f"{name}.json")
            with psycopg.connect(databases.cluster.superuser_dsn(draft)) as connection:
                fill(connection, enrollments, world_of(name))
            with psycopg.connect(databases.cluster.superuser_dsn(draft), autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
                connection.execute("CHECKPOINT")
            with psycopg.connect(databases.cluster.superuser_dsn("postgres"), autocommit=True) as connection:
                connection.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
        databases._manage(name, "owner", "manage.py", "rls_apply", "--verbosity=0")
    return name


def world_of(name: str) -> World:
    """The rows by name that stand in a volume beside its mass."""
    return World.load(LOCAL / f"{name}.json")


def fill(connection: psycopg.Connection, enrollments: int, world: World, *, checked: bool = False) -> None:
    """Add the mass in one transaction, as a superuser. `checked` leaves every trigger and foreign key on, which proves
    the rows are sound; otherwise both are off and secondary indexes are built at the end."""
    connection.execute("SET LOCAL synchronous_commit = off")
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    connection.execute("SET LOCAL work_mem = '256MB'")
    if not checked:
        connection.execute("SET LOCAL session_replication_role = replica")
    tables = rows.tables() + rows.tables(background.MODELS)
    indexes = [] if checked else _take_indexes(connection, tables)
    for statement in (*rows.statements(enrollments, world), *background.statements()):
        connection.execute(statement)
    for definition in indexes:
        connection.execute(definition)


@contextmanager
def pointed_at(name: str, become: str = "app_web") -> Iterator[None]:
    """Let Django's default connection work in another database of the test cluster, as one of the app roles."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict["NAME"] = name
    connection.settings_dict["OPTIONS"] = {**before["OPTIONS"], "options": f"-c role={become}"}
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@contextmanager
def copied(databases: Databases, name: str) -> Iterator[str]:
    """A copy of a volume to write in; nobody may be connected to the original meanwhile."""
    mine = f"test_copy_{os.getpid()}"
    databases.cluster.drop_database(mine)
    databases.cluster.create_database(mine, template=name)
    try:
        yield mine
    finally:
        databases.cluster.drop_database(mine)


@pytest.fixture(scope="session")
def volume(databases: Databases, django_db_blocker: Any) -> Iterator[Callable[[int], str]]:
    """A function from a number of enrollments to the name of a database that holds them. The database is open to the
    test: no `django_db` mark is needed beside `pointed_at`."""
    with django_db_blocker.unblock():
        yield lambda enrollments=1_000_000: build(databases, enrollments)


def _take_indexes(connection: psycopg.Connection, tables: list[str]) -> list[str]:
    """Drop the indexes that hold no constraint; returns the statements that bring them back."""
    found = connection.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " WHERE i.indrelid = ANY(%s::regclass[]) AND NOT i.indisunique AND NOT i.indisprimary",
        [tables],
    ).fetchall()
    for index, _ in found:
        connection.execute(f"DROP INDEX {index}")
    return [definition for _, definition in found]


def _forget_older(databases: Databases, prefix: str) -> None:
    for name in databases.cluster.databases():
        if name.startswith(prefix):
            databases.cluster.drop_database(name)
            (LOCAL / f"{name}.json").unlink(missing_ok=True)


def _shape() -> str:
    digest = hashlib.sha256()
    for pattern in SHAPING:
        for path in sorted(Path(ROOT).glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
