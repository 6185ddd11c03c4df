"""Make a backup, and keep the log of changes that follows it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

from config.backups.store import LATEST, LIST, SEALED, Store
from config.postgres_home import Home
from config.postgres_server import LOCAL_CREDENTIALS

SLOT = "certaos_backup"


class WrongRole(Exception):
    """The log-in may not read everything: its backup would be partial."""


class Source:
    """The cluster to copy: its connection string, the programs to copy with, and the folder of the embedded one."""

    def __init__(self, dsn: str, local: Path, folders: dict[str, Path]) -> None:
        self.dsn = dsn
        self.local = local
        self.folders = folders
        self.programs = Home(local).binaries

    def check_role(self) -> None:
        """WrongRole unless the log-in copies whole clusters and reads past row security."""
        with psycopg.connect(self.dsn, connect_timeout=10) as connection:
            row = connection.execute(
                "SELECT rolname, rolreplication AND rolbypassrls FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
        if row is None or not row[1]:
            name = row[0] if row else "?"
            raise WrongRole(f"The role {name} has no BYPASSRLS and REPLICATION: nothing was backed up.")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs against the cluster; CalledProcessError with what it said."""
        subprocess.run(
            [self.programs / program, "--no-password", *arguments], env=self.environment(), check=True,
            capture_output=True, text=True,
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """The connection for the programs; the password never stands in a command line."""
        url = urlsplit(self.dsn)
        told = {
            "PGHOST": unquote(url.hostname or ""),
            "PGPORT": str(url.port or 5432),
            "PGUSER": unquote(url.username or ""),
            "PGPASSWORD": unquote(url.password or ""),
            "PGDATABASE": unquote(url.path.lstrip("/")),
        }
        extra = {f"PG{name.upper()}": value for name, value in parse_qsl(url.query) if name.startswith("ssl")}
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"} | told | extra


def make_backup(store: Store, source: Source, now: dt.datetime) -> Path:
    """Copy the cluster, its log of the meantime, the private files and the anchors; returns the finished folder.

    WrongRole before anything is written. What is interrupted leaves a folder without a list, which counts for nothing.
    """
    source.check_role()
    folder = store.base / now.strftime("%Y%m%dT%H%M%SZ")
    folder.mkdir(mode=0o700, parents=True)
    with tempfile.TemporaryDirectory(dir=store.folder, prefix="draft-") as temporary:
        draft = Path(temporary)
        source.run(
            "pg_basebackup", f"--pgdata={draft / 'pg'}", "--format=tar", "--gzip", "--compress=1",
            "--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256",
        )  # fmt: skip
        parts = {path.name: path for path in sorted((draft / "pg").iterdir())}
        parts |= dict(_folders(source, draft))
        facts = {name: store.vault.seal(path, folder / f"{name}{SEALED}", name) for name, path in parts.items()}
        start, end = _segments(draft / "pg" / "backup_manifest")
    content = {"made_at": now.isoformat(), "files": facts, "wal_start": start, "wal_end": end}
    store.vault.write_list(folder / LIST, content)
    return folder


def _folders(source: Source, draft: Path) -> Iterator[tuple[str, Path]]:
    for name, folder in source.folders.items():
        target = draft / f"{name}.tar"
        with tarfile.open(target, "w") as tar:
            if folder.exists():
                tar.add(folder, arcname=".")
        yield target.name, target
    credentials = source.local / LOCAL_CREDENTIALS
    if credentials.exists():
        yield LOCAL_CREDENTIALS, credentials


def _segments(manifest: Path) -> tuple[str, str]:
    """The first and the last segment that the copy itself brings, as its own list says."""
    span = json.loads(manifest.read_text(encoding="utf-8"))["WAL-Ranges"][0]
    first, last = (span[name].split("/") for name in ("Start-LSN", "End-LSN"))
    named = [f"{span['Timeline']:08X}{int(high, 16):08X}{int(low, 16) >> 24:08X}" for high, low in (first, last)]
    return named[0], named[1]


def keep_log(store: Store, spool: Path, now: dt.datetime) -> int:
    """Seal what arrived in `spool` since the last call: finished segments once, the open one as it is now. Returns
    how many segments were finished. The newest finished one stays in the spool; the receiver goes on from it."""
    store.wal.mkdir(mode=0o700, parents=True, exist_ok=True)
    finished = sorted(path for path in spool.iterdir() if len(path.name) == 24)
    fresh = [path for path in finished if not (store.wal / f"{path.name}.json").exists()]
    for path in fresh:
        facts = store.vault.seal(path, store.wal / f"{path.name}{SEALED}", path.name)
        store.vault.write_list(store.wal / f"{path.name}.json", facts)
    for path in spool.glob("*.partial"):
        _keep_open_segment(store, path, now)
    for path in finished[:-1]:
        path.unlink()
    return len(fresh)


def _keep_open_segment(store: Store, path: Path, now: dt.datetime) -> None:
    """Beside the last one until the list names the new one, so that a crash between leaves one that is whole."""
    name = path.name.removesuffix(".partial")
    files = [f"open-{letter}{SEALED}" for letter in "ab"]
    before = store.latest()
    target = files[1] if before and before["file"] == files[0] else files[0]
    facts = store.vault.seal(path, store.wal / target, f"open|{name}")
    content = {"name": name, "file": target, "facts": facts, "at": now.isoformat()}
    store.vault.write_list(store.wal / LATEST, content)
    (store.wal / (files[0] if target == files[1] else files[1])).unlink(missing_ok=True)


def start_receiving(source: Source, spool: Path) -> subprocess.Popen[bytes]:
    """The process that receives the log from now on, over a slot, so that nothing is missed while it is away."""
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    source.check_role()
    source.run("pg_receivewal", f"--slot={SLOT}", "--create-slot", "--if-not-exists")
    options = ("--no-password", "--synchronous", f"--slot={SLOT}", f"--directory={spool}")
    return subprocess.Popen([str(source.programs / "pg_receivewal"), *options], env=source.environment())
