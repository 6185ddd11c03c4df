"""The server process of one ``.local`` folder: made, started, stopped. Knows nothing of roles and databases.

Callers hold the folder's lock around everything here but :meth:`Server.ready_port`.
"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from config.faults import ServerError
from config.postgres_home import Home, Postmaster

HOST = "127.0.0.1"
LOCALE = "C" if sys.platform == "darwin" else "C.UTF-8"
# Below every usual range of outgoing ports, so that a stopped cluster finds its port free again.
PORTS = range(20000, 32000)
LOG_LIMIT_BYTES = 10_000_000
START_SECONDS = 60
LOCAL_CREDENTIALS = "pg-credentials.json"
# Both pass: the port was taken meanwhile; a killed server's children still hold its memory.
PASSING_TROUBLES = ("Address already in use", "shared memory block")

CONFIGURATION = """\
# Written at each start; changes here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 1GB
max_slot_wal_keep_size = 8GB
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'
log_line_prefix = '%m [%p] %q%u@%d '
jit = off
"""
# A power cut may damage such a cluster: it is for data that a test can make again. Commits stay synchronous: with fsync
# off that costs nothing, and what was acknowledged survives a killed server.
FAST = """\
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
"""
HOST_BASED_ACCESS = """\
# Written at each start: a password for everybody, the superuser included.
host all all 127.0.0.1/32 scram-sha-256
host replication backup 127.0.0.1/32 scram-sha-256
"""


class Server:
    """The server of one ``local`` folder. Constructing it touches nothing."""

    def __init__(self, local: Path) -> None:
        self.home = Home(local)
        self.log = local / "pg.log"
        self.port_file = local / "pg-port"

    def ready_port(self) -> int | None:
        """The port of the running, accepting server, else None. Cheap, needs no lock."""
        postmaster = self._postmaster()
        if postmaster is None or postmaster.status != "ready":
            return None
        try:
            socket.create_connection((HOST, postmaster.port), timeout=5).close()
        except OSError:
            return None
        return postmaster.port

    def ensure_data(self, superuser: str, password: str, *, in_memory: bool = False) -> bool:
        """Make the cluster's files unless they exist; True when they are new and know the superuser's password."""
        self.home.settle_link()
        if self.home.exists:
            self.home.reclaim()
            return False
        draft = self.home.settle(in_memory=in_memory)
        # Nobody may log in before there are passwords and our own access rules: hence "reject".
        command = ["initdb", "--pgdata", str(draft), "--username", superuser, "--auth", "reject", "--no-instructions"]
        self._run([*command, "--encoding", "UTF8", "--locale-provider", "libc", "--locale", LOCALE])
        self._set_password(draft, superuser, password)
        draft.rename(self.home.data)
        return True

    def set_superuser_password(self, superuser: str, password: str) -> None:
        """Give the stopped cluster's superuser a password without knowing the old one."""
        self._forget_foreign_postmaster()
        self._set_password(self.home.data, superuser, password)

    def start(self, *, fast: bool, seconds: int = START_SECONDS) -> int:
        """Start the server and return its port once it accepts connections; recovery counts into `seconds`."""
        self._forget_foreign_postmaster()
        deadline = time.monotonic() + seconds
        if self._postmaster():  # started by a process that was killed before the server was ready
            return self._await_ready(deadline)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        while True:
            port = self._choose_port()
            self._write("postgresql.conf", CONFIGURATION.format(port=port) + (FAST if fast else ""))
            self._write("pg_hba.conf", HOST_BASED_ACCESS)
            start = ["pg_ctl", "start", "-w", "-t", str(seconds), "-D", str(self.home.data)]
            try:
                self._run(start, output=self.log)
            except ServerError as trouble:
                if time.monotonic() > deadline or not any(sign in str(trouble) for sign in PASSING_TROUBLES):
                    raise
                time.sleep(0.2)
            else:
                return self._await_ready(deadline)  # while it recovers, pg_ctl calls it started

    def stop(self) -> bool:
        """Stop the server, cutting open connections; True when one was running."""
        if self._postmaster() is None:
            return False
        stop = ["pg_ctl", "stop", "-w", "-D", str(self.home.data)]
        try:
            self._run([*stop, "-t", "30", "-m", "fast"])
        except ServerError:
            self._run([*stop, "-t", "10", "-m", "immediate"])
        return True

    def remove(self) -> None:
        """Remove data, log and port of the stopped server."""
        self.home.remove()
        for file in (self.log, self.log.with_suffix(".log.1"), self.port_file):
            file.unlink(missing_ok=True)

    def _await_ready(self, deadline: float) -> int:
        while time.monotonic() < deadline and self._postmaster():
            if port := self.ready_port():
                return port
            time.sleep(0.1)
        raise ServerError(f"The server does not get ready; see {self.log}.")

    def _forget_foreign_postmaster(self) -> None:
        """Remove the note of a server that is gone: PostgreSQL itself stumbles when that pid is in use again."""
        if self._postmaster() is None:
            (self.home.data / "postmaster.pid").unlink(missing_ok=True)

    def _postmaster(self) -> Postmaster | None:
        """The living server of this folder."""
        if self.home.borrowed:
            return None
        postmaster = Postmaster.read(self.home.data)
        return postmaster if postmaster and postmaster.serves(self.home.data) else None

    def _choose_port(self) -> int:
        """The port of the last start while it is free, else another one, remembered."""
        try:
            port = int(self.port_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            port = 0
        if not port or not _is_free(port):
            port = _free_port()
            self.port_file.write_text(f"{port}\n", encoding="utf-8")
        return port

    def _set_password(self, data: Path, superuser: str, password: str) -> None:
        # Single-user mode asks for no password; the one we made holds no quote.
        self._run(
            ["postgres", "--single", "-D", str(data), "template1"],
            given=f"ALTER ROLE {superuser} PASSWORD '{password}'\n",
        )

    def _write(self, name: str, text: str) -> None:
        file = self.home.data / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
        self.home.give(file)

    def _run(self, command: list[str], *, given: str = "", output: Path | None = None) -> None:
        """Run one of the wheel's programs as the server's account; a failure raises with what it said."""
        words = [str(self.home.binaries / command[0]), *command[1:]]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        uid, gid = self.home.account or (None, None)
        # A file, not a pipe: a started server keeps what it inherits open, and a pipe would never end.
        with output.open("a+b") if output else tempfile.TemporaryFile() as said:
            begin = said.seek(0, 2)
            done = subprocess.run(
                words,
                check=False,
                input=given.encode(),
                stdout=said,
                stderr=said,
                env=environment,
                cwd="/",
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
            )
            if done.returncode:
                said.seek(begin)
                end = said.read()[-2000:].decode(errors="replace")
                raise ServerError(f"{command[0]} failed with code {done.returncode}:\n{end}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    for port in random.SystemRandom().sample(PORTS, k=200):
        if _is_free(port):
            return port
    raise ServerError(f"No free port between {PORTS.start} and {PORTS.stop} on {HOST}.")
