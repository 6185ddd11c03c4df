"""A volume is sound: every trigger, constraint and foreign key accepts its rows."""

from __future__ import annotations

import psycopg
import pytest

from tests.bench.volume import fill
from tests.database import Databases
from tests.factories.names import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_rows_of_a_volume_pass_every_constraint(databases: Databases, world: World) -> None:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as connection:
        fill(connection, 400, world, checked=True)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        counts = dict(connection.execute("SELECT status, count(*) FROM enrollments_enrollment GROUP BY 1").fetchall())
        connection.rollback()
    assert sum(counts.values()) > 400
    assert len(counts) == 8
