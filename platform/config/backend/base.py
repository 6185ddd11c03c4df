"""PostgreSQL as Django speaks it, with an end to every wait.

The server ends a statement that takes too long, and the kernel a connection whose peer is gone. Neither helps when
something between keeps the line open and hands on no answer. So whoever waits gives up a little after the server's own
limit, and while the server is silent one thread at a time tries whether it speaks again; the others are told at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.errors import ConnectionTimeout

from config.timeouts import CONNECT_SECONDS


class _Server:
    """What this process knows of it."""

    is_silent = False
    turn = threading.Lock()


@contextmanager
def _in_turn() -> Iterator[None]:
    if not _Server.is_silent:
        yield
        return
    if not _Server.turn.acquire(blocking=False):
        raise ConnectionTimeout("The database does not answer.")
    try:
        yield
    finally:
        _Server.turn.release()


class DatabaseWrapper(base.DatabaseWrapper):
    """OPTIONS `answer_within`: how many seconds an answer may take; 0 for as long as it takes."""

    patience: float | None = None

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        self.patience = conn_params.pop("answer_within", 0) or None
        with _in_turn():
            try:
                connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            except ConnectionTimeout:
                _Server.is_silent = True
                raise
        _Server.is_silent = False
        self._bound(connection)
        return connection

    def is_usable(self) -> bool:
        """As Django asks it before each request, but a line on which nothing comes back is not waited on for long."""
        usual, self.patience = self.patience, CONNECT_SECONDS
        try:
            with _in_turn():
                return bool(super().is_usable())
        except ConnectionTimeout:
            return False
        finally:
            self.patience = usual

    def _bound(self, connection: psycopg.Connection[Any]) -> None:
        wait = connection.wait

        def wait_for_a_while(gen: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                answer = wait(gen, *args, **{"timeout": self.patience, **kwargs})
            except psycopg.errors._WaitTimeout:  # noqa: SLF001 -- what a wait with a timeout raises; it has no other name
                _Server.is_silent = True
                connection.pgconn.finish()
                raise ConnectionTimeout("The database did not answer in time.") from None
            _Server.is_silent = False
            return answer

        connection.wait = wait_for_a_while  # type: ignore[method-assign]  # -- its own way to wait knows no limit
