"""A backup and the log after it become a running product again; a rotten one is found before it is needed."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from django.core.management import CommandError, call_command

from audit.models import SystemEvent
from config import postgres
from config.backups.making import Source, WrongRole, keep_log, make_backup, start_receiving
from config.backups.restoring import NotRestored, restore
from config.backups.store import LIST, Store
from config.backups.vault import Vault
from config.management.commands import restore as restore_command
from config.management.commands import verify_backup
from core import clock
from tests.database import Databases, as_system
from tests.torture.harness import wait_until
from tests.torture.load import people
from tests.torture.own_cluster import OwnCluster, own_cluster
from tests.torture.test_crashes import broken, web
from tests.trials import Trial

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("backups")]
KEY = bytes(range(32))
BAD_UPDATE = "UPDATE enrollments_client SET phone = 'overwritten'"
OVERWRITTEN = "SELECT count(*) FROM enrollments_client WHERE phone = 'overwritten'"


class Drill(NamedTuple):
    """A source with private files, a store with one backup, and where the log arrives."""

    cluster: OwnCluster
    source: Source
    store: Store
    backup: Path
    spool: Path


@pytest.fixture(scope="module")
def drill(databases: Databases, django_db_setup: None) -> Iterator[Drill]:
    with tempfile.TemporaryDirectory() as folder, own_cluster(databases, fast=False) as cluster:
        root = Path(folder)
        (root / "files").mkdir()
        (root / "files" / "a private file").write_text("word for word")
        source = Source(cluster.dsn("backup"), cluster.local, {"files": root / "files"})
        store = Store(root / "backups", Vault(KEY))
        store.folder.mkdir()
        spool = root / "spool"
        receiver = start_receiving(source, spool)
        try:
            yield Drill(cluster, source, store, make_backup(store, source, clock.now()), spool)
        finally:
            receiver.terminate()
            receiver.wait()


@pytest.fixture
def target() -> Iterator[Path]:
    """Where a restored cluster may stand."""
    folder = Path(tempfile.mkdtemp(prefix="certaos-restore-"))
    folder.chmod(0o711)
    yield folder / "local"
    postgres.destroy(folder / "local")
    shutil.rmtree(folder, ignore_errors=True)


class Restored:
    """The judge's eye on a restored cluster, and what a web server needs."""

    def __init__(self, local: Path) -> None:
        self.cluster = postgres.ensure_running(local)
        self.name = postgres.DATABASE

    def dsn(self, role: str) -> str:
        return self.cluster.dsn(role, self.name)

    def one(self, question: str, *parameters: Any) -> Any:
        with psycopg.connect(self.cluster.superuser_dsn(self.name)) as judge:
            row = judge.execute(question, parameters).fetchone()
        return row[0] if row else None


@pytest.mark.torture("B-01")
def test_a_backup_and_its_log_become_a_running_product(
    drill: Drill, target: Path, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People write until the cut; everything acknowledged before the log was last kept is there again."""
    with web(drill.cluster) as base, people(base, trial.seed) as load:
        for _ in range(trial.scale(fast=2, long=30)):
            time.sleep(1)
            keep_log(drill.store, drill.spool, clock.now())
        known, told_at = set(load.acknowledged), clock.now()
        time.sleep(0.5)
        keep_log(drill.store, drill.spool, clock.now())
        time.sleep(trial.random.uniform(0.1, 1))
        drill.cluster.crash()
        cut = clock.now()
    monkeypatch.setattr(restore_command, "told_store", lambda: drill.store)
    said = StringIO()

    call_command("restore", to=target, stdout=said)

    report = json.loads(said.getvalue())
    restored = Restored(target)
    with psycopg.connect(restored.cluster.superuser_dsn(restored.name)) as judge:
        there = {email for (email,) in judge.execute("SELECT email FROM enrollments_enrollmentrequest").fetchall()}
    unforced = restored.one("SELECT count(*) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
                            " WHERE NOT (relrowsecurity AND relforcerowsecurity)")  # fmt: skip
    faults = {
        "lost": len(known - there), "evidence": broken(restored), "not forced": unforced,
        "checks": 0 if report["ok"] else 1, "the web sees rows without context": visible_to_nobody(restored),
        "files": 0 if (target / "files" / "a private file").read_text() == "word for word" else 1,
        "the web does not serve": 0 if serves(restored) else 1,
    }  # fmt: skip
    drill.cluster.start()
    assert {name: count for name, count in faults.items() if count} == {}
    trial.report(
        n=len(known), violations=sum(faults.values()), rpo_seconds=round((cut - told_at).total_seconds(), 1),
        rto_seconds=report["seconds"], lost_in_the_last_moment=len(load.acknowledged - there),
    )  # fmt: skip


def visible_to_nobody(restored: Restored) -> int:
    with psycopg.connect(restored.dsn("app_web")) as stranger:
        row = stranger.execute("SELECT count(*) FROM enrollments_client").fetchone()
    return int(row[0]) if row else 1


def serves(restored: Restored) -> bool:
    """People are served by the web on the new cluster."""
    with web(restored) as base, people(base, 1, 2) as load:
        time.sleep(1.5)
    return bool(load.acknowledged) and not load.told[500]


@pytest.mark.django_db(transaction=True)
def test_a_point_in_time_leaves_a_mistake_out(drill: Drill, target: Path) -> None:
    """B-02: the update before the moment is there, the one after it is not."""
    with psycopg.connect(drill.cluster.cluster.superuser_dsn(drill.cluster.name), autocommit=True) as hand:
        hand.execute("UPDATE enrollments_client SET phone = 'right'")
        moment = hand.execute("SELECT clock_timestamp()").fetchone()[0]
        time.sleep(0.2)
        hand.execute(BAD_UPDATE)
        written = hand.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()[0]
    wait_until((drill.spool / written).exists, "the segment with the mistake has arrived")
    keep_log(drill.store, drill.spool, clock.now())

    restore(drill.store, drill.backup, target, until=moment)

    restored = Restored(target)
    assert restored.one(OVERWRITTEN) == 0
    assert restored.one("SELECT count(*) FROM enrollments_client WHERE phone = 'right'") > 0


def flip_bytes(store: Store, backup: Path) -> None:
    path = backup / "base.tar.gz.sealed"
    body = bytearray(path.read_bytes())
    for place in range(1000, 101_000, 1000):
        body[place % len(body)] ^= 0xFF
    path.write_bytes(body)


def cut_off(store: Store, backup: Path) -> None:
    path = backup / "base.tar.gz.sealed"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(store: Store, backup: Path) -> None:
    (backup / "pg_wal.tar.gz.sealed").write_bytes(b"")


def lose_a_segment(store: Store, backup: Path) -> None:
    """Of three in a row the middle one, with its list."""
    name = sorted(store.segments())[-2]
    for path in store.wal.glob(f"{name}.*"):
        path.unlink()


def lose_the_end(store: Store, backup: Path) -> None:
    latest = store.latest()
    assert latest is not None
    (store.wal / latest["file"]).unlink()


def forge_the_list(store: Store, backup: Path) -> None:
    """Made good again by somebody without the key: new file, new sum, old signature."""
    empty(store, backup)
    told = json.loads((backup / LIST).read_text())
    told["content"]["files"]["pg_wal.tar.gz"] = {"size": 0, "sha256": "e3b0"}
    (backup / LIST).write_text(json.dumps(told))


ROT = {"flips": flip_bytes, "truncated": cut_off, "a zero-byte file": empty, "a missing segment": lose_a_segment,
       "the end of the log": lose_the_end, "a forged list": forge_the_list}  # fmt: skip


@pytest.mark.torture("B-03")
def test_a_rotten_backup_is_found_before_it_is_needed(
    drill: Drill, target: Path, tmp_path: Path, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of rot in a copy of its own; a wrong key; and the alarm about the age."""
    for _ in range(3):
        with psycopg.connect(drill.cluster.cluster.superuser_dsn(), autocommit=True) as hand:
            hand.execute("SELECT pg_logical_emit_message(true, 'certaos', 'x'), pg_switch_wal()")
        time.sleep(0.4)
    keep_log(drill.store, drill.spool, clock.now())
    assert drill.store.faults(drill.backup) == []
    cases: dict[str, Callable[[], bool]] = {
        name: lambda rot=rot, name=name: found(drill, tmp_path / name, rot, target) for name, rot in ROT.items()
    } | {"a wrong key": lambda: found_with(Store(drill.store.folder, Vault(b"x" * 32)), drill.backup, target)}
    unnoticed = [name for name, is_found in cases.items() if not is_found()]
    monkeypatch.setattr(verify_backup, "told_store", lambda: drill.store)
    call_command("verify_backup", stdout=StringIO())
    with pytest.raises(CommandError, match="hours old"):
        call_command("verify_backup", max_age_hours=0)
    with as_system():
        if not SystemEvent.objects.filter(source="backup", level="error").exists():
            unnoticed.append("age")

    assert unnoticed == []
    trial.report(n=len(cases) + 1, violations=len(unnoticed))


def found(drill: Drill, folder: Path, rot: Callable[[Store, Path], None], target: Path) -> bool:
    shutil.copytree(drill.store.folder, folder)
    store = Store(folder, Vault(KEY))
    rot(store, folder / "base" / drill.backup.name)
    return found_with(store, folder / "base" / drill.backup.name, target)


def found_with(store: Store, backup: Path, target: Path) -> bool:
    """Refused by name, before anything is written, and no longer the newest good one."""
    try:
        restore(store, backup, target)
    except NotRestored:
        return not target.exists() and store.judge(clock.now())[0] is None
    return False


@pytest.mark.torture("B-04")
@pytest.mark.parametrize("role", ["app_web", "app_worker", "app_ro", "owner"])
def test_a_backup_by_the_wrong_role_fails_loudly(drill: Drill, role: str, tmp_path: Path, trial: Trial) -> None:
    """Neither our command nor PostgreSQL's own dump leaves half a copy behind without a word."""
    source = Source(drill.cluster.dsn(role), drill.cluster.local, {})
    store = Store(tmp_path, Vault(KEY))
    with pytest.raises(WrongRole, match=role):
        make_backup(store, source, clock.now())
    with pytest.raises(subprocess.CalledProcessError) as error:
        source.run("pg_dump", "--data-only", "--table=enrollments_client", f"--file={tmp_path / 'dump.sql'}")

    assert "row-level security" in error.value.stderr
    trial.report(n=2, violations=len(store.backups()), role=role)


def test_the_right_role_dumps_everything(drill: Drill, tmp_path: Path) -> None:
    """So the trial above does not pass because nobody may."""
    drill.source.run("pg_dump", f"--file={tmp_path / 'dump.sql'}")

    assert "provider.admin@tenant-b.example" in (tmp_path / "dump.sql").read_text()
