"""From a backup and its log to a running cluster."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from config import postgres
from config.backups.store import LIST, SEALED, Store
from config.backups.vault import Rotten, fault_of
from config.postgres_server import LOCAL_CREDENTIALS, Server

WAIT_SECONDS = 4 * 3600
RECOVERY = """
# Written by restore; gone once the cluster is its own again.
restore_command = 'cp "{log}/%f" "%p"'
recovery_target_timeline = 'latest'
recovery_target_action = 'promote'
hot_standby = off
{until}
"""


class NotRestored(Exception):
    """The restore was refused, and nothing was written."""


def restore(store: Store, backup: Path, local: Path, *, until: dt.datetime | None = None) -> postgres.Cluster:
    """Build a new cluster in `local` from `backup` and the log after it, up to `until` or the last kept second.

    Everything is checked first; NotRestored names what is rotten, or that `local` holds a cluster already. Private
    files and anchors go to `local/files` and `local/anchors`. The cluster runs when this returns.
    """
    faults = store.faults(backup)
    if faults:
        raise NotRestored("The backup is rotten:\n" + "\n".join(faults))
    server = Server(local)
    if server.home.exists:
        raise NotRestored(f"{local} holds a cluster already; restore into an empty folder.")
    local.mkdir(parents=True, exist_ok=True)
    parts = store.vault.read_list(backup / LIST)
    draft = server.home.settle()
    for name in parts["files"]:
        _unpack(store, backup, name, draft, local)
    _verify(draft)
    log = draft / "restored_log"
    log.mkdir()
    _lay_out_log(store, parts["wal_start"], log)
    _prepare_recovery(draft, server.home.data / log.name, until)
    for path in (draft, *draft.rglob("*")):
        server.home.give(path)
    draft.rename(server.home.data)
    server.start(fast=False, seconds=WAIT_SECONDS)
    return _settle(server, local)


def _unpack(store: Store, backup: Path, name: str, draft: Path, local: Path) -> None:
    plain = local / f"restore-{name}"
    with plain.open("wb") as file:
        plain.chmod(0o600)
        store.vault.open(backup / f"{name}{SEALED}", name, file.write)
    targets = {"base.tar.gz": draft, "pg_wal.tar.gz": draft / "pg_wal"}
    if name == LOCAL_CREDENTIALS:
        plain.replace(local / name)
    elif name == "backup_manifest":
        plain.replace(draft / name)
    else:
        target = targets.get(name, local / name.removesuffix(".tar"))
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tarfile.open(plain) as tar:
            tar.extractall(target, filter="tar")
        plain.unlink()


def _verify(draft: Path) -> None:
    """Hold every copied file against the list that PostgreSQL made of them while it copied."""
    listed = json.loads((draft / "backup_manifest").read_text(encoding="utf-8"))["Files"]
    for entry in listed:
        name = entry["Path"] if "Path" in entry else bytes.fromhex(entry["Encoded-Path"]).decode()
        if fault := fault_of(draft / name, {"size": entry["Size"], "sha256": entry["Checksum"]}):
            shutil.rmtree(draft)
            raise NotRestored(f"The backup does not fit its own list: {fault}")


def _lay_out_log(store: Store, start: str, log: Path) -> None:
    for name in sorted(store.segments()):
        if name >= start:
            _open_segment(store, store.wal / f"{name}{SEALED}", name, log / name)
    latest = store.latest()
    if latest is not None and latest["name"] >= start and not (log / latest["name"]).exists():
        _open_segment(store, store.wal / latest["file"], f"open|{latest['name']}", log / latest["name"])


def _open_segment(store: Store, sealed: Path, name: str, target: Path) -> None:
    try:
        with target.open("wb") as file:
            store.vault.open(sealed, name, file.write)
    except Rotten as rotten:
        raise NotRestored(str(rotten)) from None


def _prepare_recovery(draft: Path, log: Path, until: dt.datetime | None) -> None:
    stop = f"recovery_target_time = '{until.isoformat()}'" if until else ""
    with (draft / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.write(RECOVERY.format(log=log, until=stop))
    (draft / "recovery.signal").touch()


def _settle(server: Server, local: Path) -> postgres.Cluster:
    """Forget how it came about, and let the declared roles and rules hold."""
    settings: dict[str, Any] = dict.fromkeys(
        ("restore_command", "recovery_target_timeline", "recovery_target_action", "recovery_target_time", "hot_standby")
    )
    conf = server.home.data / "postgresql.auto.conf"
    lines = [line for line in conf.read_text().splitlines() if line.partition(" ")[0] not in settings]
    conf.write_text("\n".join(lines) + "\n")
    shutil.rmtree(server.home.data / "restored_log")
    cluster = postgres.ensure_running(local)
    cluster.prepare()
    return cluster
