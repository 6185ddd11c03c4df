"""A database that keeps the line open and says nothing is let go of, and found again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError

from config.backend.base import DatabaseWrapper, _Server
from tests.database import Databases
from tests.fakes.faultproxy import BlackHole, FaultProxy

EVER = 1_000_000


@pytest.fixture
def proxy(databases: Databases, django_db_setup: None) -> Iterator[FaultProxy]:
    where = urlsplit(databases.dsn("app_web"))
    with FaultProxy(where.hostname or "", where.port or 5432) as running:
        yield running
    _Server.is_silent = False


def connect(proxy: FaultProxy) -> DatabaseWrapper:
    """A connection of its own through the proxy, with little patience."""
    told = deepcopy(settings.DATABASES["default"]) | {"HOST": "127.0.0.1", "PORT": str(proxy.port)}
    told["OPTIONS"] |= {"answer_within": 0.5, "connect_timeout": 2}
    return DatabaseWrapper({**told, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "TIME_ZONE": None}, "default")


def ask(connection: DatabaseWrapper) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_who_waits_for_a_silent_database_gives_up_and_finds_it_again(proxy: FaultProxy) -> None:
    connection = connect(proxy)
    assert ask(connection) == 1

    proxy.arm(BlackHole(), times=EVER)
    with pytest.raises(OperationalError):
        ask(connection)
    assert not connection.is_usable()
    proxy.disarm()
    connection.close()

    assert ask(connection) == 1
    connection.close()


@pytest.mark.django_db
def test_while_it_is_silent_one_at_a_time_tries_and_the_others_are_told_at_once(proxy: FaultProxy) -> None:
    first, second = connect(proxy), connect(proxy)
    proxy.arm(BlackHole(), times=EVER)
    with pytest.raises(OperationalError):
        first.ensure_connection()

    def try_again() -> None:
        with suppress(OperationalError):
            first.ensure_connection()

    trying = threading.Thread(target=try_again)
    trying.start()
    while not _Server.turn.locked():
        pass

    struck = proxy.struck
    with pytest.raises(OperationalError, match="does not answer"):
        second.ensure_connection()
    assert proxy.struck <= struck + 1, "the second did not even knock"
    trying.join()
