"""A pooler in transaction mode, as pgbouncer is: many clients share few server connections, and each transaction may
run on another one. Settings of the session stay with the server connection, which is the danger it is here for.

It speaks enough of PostgreSQL's protocol for that: start-up without a password, messages passed through, and the
state of the transaction read from ReadyForQuery. A client that leaves in the middle of a transaction gets it rolled
back. libpq itself signs in to the server, so that any password method works.
"""

from __future__ import annotations

import queue
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.processes import free_port

TERMINATE, READY, IDLE = b"X", b"Z", b"I"
ENDS = frozenset({b"Q", b"S"})  # a simple query or a Sync: the server answers these with ReadyForQuery


class Server:
    """One connection to PostgreSQL, and whether it is between transactions."""

    def __init__(self, dsn: str) -> None:
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.socket = socket.socket(fileno=pq_socket(self.connection))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reset(self) -> None:
        """Roll back what a client left behind."""
        body = b"ROLLBACK\0"
        self.socket.sendall(b"Q" + (len(body) + 4).to_bytes(4) + body)
        while read_message(self.socket)[0] != READY:
            pass

    def close(self) -> None:
        self.socket.detach()
        self.connection.close()


class Pooler:
    """`size` server connections on a port of their own; `handed_over` counts transactions on a connection that another
    client had before."""

    def __init__(self, dsn: str, size: int) -> None:
        self.port = free_port()
        self.servers = [Server(dsn) for _ in range(size)]
        self.idle: queue.Queue[Server] = queue.Queue()
        for server in self.servers:
            self.idle.put(server)
        self.handed_over = 0
        self._last: dict[int, int] = {}
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, EOFError):
            start_up(client)
            while True:
                first = read_message(client)
                if first[0] == TERMINATE:
                    return
                server = self.idle.get()
                self.handed_over += self._last.get(id(server)) not in (None, id(client))
                self._last[id(server)] = id(client)
                try:
                    self._transaction(client, server, first)
                finally:
                    self.idle.put(server)

    @staticmethod
    def _transaction(client: socket.socket, server: Server, message: tuple[bytes, bytes]) -> None:
        """Pass messages until the server is idle again; a client that is gone is rolled back."""
        try:
            while True:
                server.socket.sendall(message[1])
                if message[0] in ENDS:
                    state = pass_answer(server.socket, client)
                    if state == IDLE:
                        return
                message = read_message(client)
                if message[0] == TERMINATE:
                    server.reset()
                    return
        except (OSError, EOFError):
            server.reset()
            raise

    def close(self) -> None:
        self._listener.close()
        for server in self.servers:
            server.close()


def pq_socket(connection: psycopg.Connection) -> int:
    """The socket below a connection."""
    return connection.pgconn.socket


def start_up(client: socket.socket) -> None:
    """Let the client in without a password; refuse encryption."""
    while True:
        length = int.from_bytes(exactly(client, 4))
        code = int.from_bytes(exactly(client, length - 4)[:4])
        if code == 196608:
            break
        client.sendall(b"N")
    parameters = {"server_version": "18.0", "client_encoding": "UTF8", "server_encoding": "UTF8", "TimeZone": "UTC",
                  "DateStyle": "ISO, YMD", "standard_conforming_strings": "on", "integer_datetimes": "on"}  # fmt: skip
    client.sendall(b"R" + (8).to_bytes(4) + (0).to_bytes(4))
    for name, value in parameters.items():
        body = f"{name}\0{value}\0".encode()
        client.sendall(b"S" + (len(body) + 4).to_bytes(4) + body)
    client.sendall(b"K" + (12).to_bytes(4) + bytes(8))
    client.sendall(READY + (5).to_bytes(4) + IDLE)


def pass_answer(server: socket.socket, client: socket.socket) -> bytes:
    """Pass on what the server says up to ReadyForQuery; the state it names. A client that left is found out later."""
    gone = False
    while True:
        kind, raw = read_message(server)
        if not gone:
            try:
                client.sendall(raw)
            except OSError:
                gone = True
        if kind == READY:
            if gone:
                raise EOFError
            return raw[-1:]


def read_message(wire: socket.socket) -> tuple[bytes, bytes]:
    head = exactly(wire, 5)
    return head[:1], head + exactly(wire, int.from_bytes(head[1:]) - 4)


def exactly(wire: socket.socket, count: int) -> bytes:
    parts = []
    while count:
        select.select([wire], [], [])
        with suppress(BlockingIOError):
            part = wire.recv(count)
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
    return b"".join(parts)


@contextmanager
def pooler(dsn: str, size: int) -> Iterator[Pooler]:
    """A pooler in front of `dsn` while the block runs."""
    pool = Pooler(dsn, size)
    try:
        yield pool
    finally:
        pool.close()
