"""An empty database brought up to date: models rendered alone beside Django's own way, and the schema both make."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate

from config.postgres_home import Home
from core import rendering
from tests.bench.volume import pointed_at
from tests.database import LOCAL, Databases

NAME = "draft_migrations"


def migrated(databases: Databases, way: AbstractContextManager[None]) -> tuple[float, list[str]]:
    """Processor seconds of this process for all migrations, and the schema they made."""
    databases.cluster.drop_database(NAME)
    databases.cluster.create_database(NAME)
    try:
        with pointed_at(NAME, become="owner"), way:
            began = time.process_time()
            call_command(Migrate(), verbosity=0)
            taken = time.process_time() - began
        return taken, schema(databases.cluster.superuser_dsn(NAME))
    finally:
        databases.cluster.drop_database(NAME)


def schema(dsn: str) -> list[str]:
    """The lines that make the database again, but for the dump's own random word."""
    command = [str(Home(LOCAL).binaries / "pg_dump"), "--schema-only", "--dbname", dsn]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in dumped.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_rendering_models_alone_makes_the_same_schema_sooner(
    databases: Databases, django_db_blocker: Any, measured: Callable[..., None]
) -> None:
    with django_db_blocker.unblock():
        ours, mine = migrated(databases, rendering.alone())
        whole, theirs = migrated(databases, nullcontext())
    assert mine == theirs
    measured(
        "Set-up", "all migrations, models rendered alone, against Django’s own way", ours / whole, goal="≤ 0.50×",
        held=ours / whole <= 0.5, basis=f"{ours:.0f} s of processor time against {whole:.0f} s, the same schema",
    )  # fmt: skip
