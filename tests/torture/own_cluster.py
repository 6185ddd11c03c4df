"""A PostgreSQL of one test's own, with a copy of this process's database in it: to be stopped, filled and cut."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from config import postgres
from config.postgres_home import Postmaster
from config.postgres_server import Server
from tests.database import ROOT, Databases


class OwnCluster:
    """Looks like `tests.database.Databases` to whatever starts processes on it; the database is the product's own."""

    def __init__(self, local: Path, *, fast: bool) -> None:
        self.local = local
        self.fast = fast
        self.cluster = postgres.ensure_running(local, fast=fast)
        self.name = postgres.DATABASE

    def dsn(self, role: str) -> str:
        return self.cluster.dsn(role, self.name)

    @property
    def server(self) -> Server:
        return Server(self.local)

    def fill(self, source: Databases) -> None:
        """Copy the test process's database, policies and grants included."""
        programs = self.server.home.binaries
        command = [programs / "pg_dump", "--no-sync", source.cluster.superuser_dsn(source.name)]
        into = [programs / "psql", "-q", "-X", "-o", os.devnull, self.cluster.superuser_dsn(self.name)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as dump:
            subprocess.run(into, stdin=dump.stdout, check=True, stderr=subprocess.DEVNULL)
        assert dump.returncode == 0

    def pid(self) -> int:
        postmaster = Postmaster.read(self.server.home.data)
        assert postmaster is not None
        return postmaster.pid

    def crash(self, how: int = signal.SIGQUIT) -> None:
        """End the server at once: SIGQUIT is `pg_ctl stop -m immediate`, SIGKILL a dead machine."""
        pid = self.pid()
        os.kill(pid, how)
        while Path(f"/proc/{pid}").exists():
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)

    def start(self) -> None:
        self.cluster = postgres.ensure_running(self.local, fast=self.fast)

    def one(self, question: str, *parameters: Any) -> Any:
        """One value, read by the superuser: the judge's eye."""
        with psycopg.connect(self.cluster.superuser_dsn(self.name)) as judge:
            row = judge.execute(question, parameters).fetchone()
        return row[0] if row else None


@contextmanager
def own_cluster(source: Databases, *, fast: bool = True, folder: Path | None = None) -> Iterator[OwnCluster]:
    """The cluster while the block runs, filled from `source`. `folder` must be open to the server's account."""
    root = folder or Path(tempfile.mkdtemp(prefix="certaos-torture-"))
    root.chmod(0o711)
    local = root / "local"
    try:
        cluster = OwnCluster(local, fast=fast)
        cluster.fill(source)
        yield cluster
    finally:
        postgres.destroy(local)
        if folder is None:
            shutil.rmtree(root, ignore_errors=True)


__all__ = ["ROOT", "OwnCluster", "own_cluster"]
