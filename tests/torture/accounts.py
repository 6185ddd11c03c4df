"""What the trials of signing in share: pending sessions, a judge that reads past every net, a timing classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import connections
from django.test import Client

from tests.database import Databases
from tests.factories.people import PASSWORD

LOGIN, CODE = "/accounts/login/", "/accounts/2fa/authenticate/"
STORE = import_module(settings.SESSION_ENGINE).SessionStore


def password_step(client: Client, user: Any) -> Any:
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD})


def copies(client: Client, count: int) -> list[Client]:
    """Browsers that stand where `client` stands, each with a session of its own."""
    state = dict(STORE(client.cookies["session"].value).items())
    found = []
    for _ in range(count):
        session = STORE()
        session.update(state)
        session.save()
        copy = Client()
        copy.cookies["session"] = session.session_key
        found.append(copy)
    return found


def at_once(work: Callable[[Any], Any], given: Iterable[Any], *, threads: int = 8) -> list[Any]:
    """`work` for each of `given` from several threads, each with connections of its own that are closed at the end."""

    def one(value: Any) -> Any:
        try:
            return work(value)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, given))


def full_sessions(databases: Databases, user: Any) -> int:
    """Sessions in the table that are signed in as `user`, read as superuser."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as connection:
        rows = connection.execute("SELECT session_data FROM django_session WHERE expire_date > now()").fetchall()
    return sum(STORE().decode(data).get(SESSION_KEY) == str(user.pk) for (data,) in rows)


def ask(databases: Databases, sql: str, *values: Any) -> Any:
    """One value, read or written past every net."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as connection:
        cursor = connection.execute(sql, values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def forget_limits(databases: Databases) -> None:
    ask(databases, "DELETE FROM core_ratelimit")


def auc(ones: list[float], others: list[float]) -> float:
    """How well a threshold on time tells the two apart: 0.5 is not at all, 1 is always."""
    wins = sum((a > b) + (a == b) / 2 for a in ones for b in others)
    share = wins / (len(ones) * len(others))
    return max(share, 1 - share)
