"""Connections that many people share carry nothing from one to the next.

Real pgbouncer is no package of ours; `tests.torture.pooler` does in transaction mode what matters here, and the control
shows that it does.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from organizations.actors import load_actor
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.torture.pooler import Pooler, pooler
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = 8
Settings = Callable[[psycopg.Connection, Any], None]


def for_the_transaction(connection: psycopg.Connection, actor: Any) -> None:
    """What `core.context` says to the database."""
    tell(connection, actor, local=True)


def for_the_session(connection: psycopg.Connection, actor: Any) -> None:
    """The mistake."""
    tell(connection, actor, local=False)


def tell(connection: psycopg.Connection, actor: Any, *, local: bool) -> None:
    organizations = "{" + ",".join(str(pk) for pk in actor.organization_ids) + "}"
    for name, value in (("scope", "person"), ("user_id", str(actor.user_id)), ("organizations", organizations)):
        connection.execute("SELECT set_config(%s, %s, %s)", [f"app.{name}", value, local])


class Client(threading.Thread):
    """Asks for one tenant after another; `crossed` counts rows of somebody else, and any row without a context."""

    def __init__(self, pool: Pooler, actors: dict[Any, Any], requests: int, settings: Settings, seed: Any) -> None:
        super().__init__()
        self.pool, self.actors, self.requests, self.settings, self.chance = pool, actors, requests, settings, seed
        self.asked = self.crossed = 0

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(f"host=127.0.0.1 port={self.pool.port} dbname=x user=x", prepare_threshold=None)

    def run(self) -> None:
        connection = self.connect()
        for _ in range(self.requests):
            try:
                self.request(connection)
            except (psycopg.Error, ZeroDivisionError):
                with suppress(psycopg.Error):
                    connection.rollback()
            if connection.closed:
                connection = self.connect()
        connection.close()

    def request(self, connection: psycopg.Connection) -> None:
        """Well behaved, without context, with an exception, over its time, or gone in the middle."""
        self.asked += 1
        provider, actor = self.chance.choice(list(self.actors.items()))
        way = self.chance.choice(("well", "well", "well", "bare", "raise", "slow", "leave"))
        if way != "bare":
            self.settings(connection, actor)
        rows = connection.execute("SELECT provider_id FROM payments_payment").fetchall()
        allowed = set() if way == "bare" else {provider}
        self.crossed += len({row[0] for row in rows} - allowed)
        if way == "raise":
            raise ZeroDivisionError
        if way == "slow":
            connection.execute("SET LOCAL statement_timeout = 1")
            connection.execute("SELECT pg_sleep(1)")
        if way == "leave":
            with suppress(OSError):
                wire = socket.socket(fileno=connection.fileno())
                wire.shutdown(socket.SHUT_RDWR)
                wire.detach()
            connection.close()
        else:
            connection.commit()


def crossings(world: World, databases: Databases, trial: Trial, requests: int, settings: Settings) -> tuple[int, ...]:
    with as_system():
        actors = {world.provider_a.pk: load_actor(world.owner_a), world.provider_b.pk: load_actor(world.owner_b)}
    with pooler(databases.dsn("app_web"), 2) as pool:
        clients = [Client(pool, actors, requests // CLIENTS, settings, trial.random) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        return sum(client.asked for client in clients), sum(client.crossed for client in clients), pool.handed_over


@pytest.mark.torture("A-06")
def test_no_row_of_another_tenant_comes_over_a_shared_connection(
    world: World, databases: Databases, trial: Trial
) -> None:
    requests = trial.scale(fast=800, long=20_000)
    asked, crossed, handed_over = crossings(world, databases, trial, requests, for_the_transaction)

    assert handed_over > asked / 4
    trial.report(n=asked, violations=crossed, handed_over=handed_over, pooler="our own, transaction mode", size=2)


@pytest.mark.control("A-06")
def test_settings_of_the_session_leak_through_a_pooler(world: World, databases: Databases, trial: Trial) -> None:
    _asked, crossed, _handed_over = crossings(world, databases, trial, 400, for_the_session)

    assert crossed > 0
