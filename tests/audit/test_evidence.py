"""Evidence cannot be changed by those it is about, and change by anyone else is found."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from audit.anchors import read_anchors, write_anchors
from audit.chain import faults
from audit.models import AuditEvent
from audit.services import record
from audit.verification import verify
from core.context import acting, system_actor
from organizations.actors import load_actor
from tests.database import Databases, as_system, role
from tests.factories.names import World
from tests.trials import Trial

TAMPERING = {
    "update": "UPDATE audit_auditevent SET act = 'forged'",
    "delete": "DELETE FROM audit_auditevent",
    "truncate": "TRUNCATE audit_auditevent",
    "insert": "INSERT INTO audit_auditevent SELECT * FROM audit_auditevent",
    "alter": "ALTER TABLE audit_auditevent ADD COLUMN note text",
    "trigger": "ALTER TABLE audit_auditevent DISABLE TRIGGER ALL",
    "drop": "DROP TABLE audit_auditevent",
    "head": "UPDATE audit_audithead SET seq = 0",
    "function": "DROP FUNCTION app.append_audit",
    "replica": "SET session_replication_role = 'replica'",
}


@pytest.fixture(autouse=True)
def anchors(settings: Any, tmp_path: Path) -> Path:
    settings.ANCHORS_DIR = tmp_path / "anchors"
    return tmp_path / "anchors"


@contextmanager
def login(databases: Databases, name: str) -> Iterator[psycopg.Connection]:
    """A real login of this role, in its widest context."""
    dsn = databases.cluster.superuser_dsn(databases.name) if name == "postgres" else databases.dsn(name)
    with psycopg.connect(dsn, autocommit=True) as opened:
        opened.execute("SELECT set_config('app.scope', %s, false)", ["platform" if name == "app_web" else "system"])
        yield opened


@pytest.mark.torture("L-03")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["app_web", "app_worker"])
def test_no_runtime_role_can_touch_the_evidence(world: World, databases: Databases, name: str, trial: Trial) -> None:
    """L-03."""
    refused = {}
    with login(databases, name) as opened:
        assert opened.execute("SELECT count(*) FROM audit_auditevent").fetchone() != (0,)
        for act, statement in TAMPERING.items():
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
                opened.execute(statement)
            refused[act] = error.value.sqlstate

    assert refused == dict.fromkeys(TAMPERING, "42501")
    trial.report(n=len(TAMPERING), violations=len(TAMPERING) - len(refused), role=name)


@pytest.mark.control("L-03")
@pytest.mark.django_db(transaction=True)
def test_a_granted_role_is_still_stopped_by_the_trigger_and_without_it_would_succeed(
    world: World, databases: Databases
) -> None:
    """The control of the test above: a grant takes the first lock away, the trigger's removal the second."""
    forge = "UPDATE audit_auditevent SET act = 'forged'"
    with login(databases, "postgres") as superuser, login(databases, "app_worker") as worker:
        superuser.execute("GRANT UPDATE ON audit_auditevent TO app_worker")
        with pytest.raises(psycopg.errors.RaiseException, match="append_only"):
            worker.execute(forge)
        superuser.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER ALL")
        changed = worker.execute(forge).rowcount

    assert changed > 0


def write_chain(world: World, count: int = 6) -> str:
    """Some more events of provider A; returns its id as the chains name it."""
    with as_system():
        for number in range(count):
            record("test.act", world.provider_a, payload={"number": number})
    return str(world.provider_a.pk)


def found() -> dict[str, tuple[int, str]]:
    """Place and kind of the first fault of each chain."""
    with as_system():
        return {fault.organization: (fault.seq, fault.what) for fault in verify().faults}


def tail(world: World) -> int:
    with as_system():
        last = AuditEvent.objects.filter(organization=world.provider_a).order_by("seq").last()
    assert last is not None
    return int(last.seq)


CHAIN = "WHERE organization_id = %(home)s"
REWRITE = f"""
DO $$
DECLARE
    row audit_auditevent%%ROWTYPE;
    link text := repeat('0', 64);
BEGIN
    FOR row IN SELECT * FROM audit_auditevent {CHAIN} ORDER BY seq LOOP
        IF row.seq = %(seq)s THEN row.act := 'forged'; END IF;
        row.prev_hash := link;
        link := encode(sha256(
            app.audit_part('1') || app.audit_part(row.organization_id::text) || app.audit_part(row.seq::text)
            || app.audit_part((extract(epoch FROM row.at) * 1000000)::bigint::text)
            || app.audit_part(coalesce(row.actor_id::text, '')) || app.audit_part(row.actor_label)
            || app.audit_part(row.act) || app.audit_part(row.target_type) || app.audit_part(row.target_id)
            || app.audit_part(row.reason) || app.audit_part(row.correlation_id) || app.audit_part(row.payload::text)
            || app.audit_part(row.prev_hash)
        ), 'hex');
        UPDATE audit_auditevent SET act = row.act, prev_hash = row.prev_hash, hash = link WHERE id = row.id;
    END LOOP;
    UPDATE audit_audithead SET hash = link {CHAIN};
END $$
"""
ATTACKS = {
    "change": [f"UPDATE audit_auditevent SET act = 'forged' {CHAIN} AND seq = %(seq)s"],
    "delete": [f"DELETE FROM audit_auditevent {CHAIN} AND seq = %(seq)s"],
    "insert": [
        f"UPDATE audit_auditevent SET seq = seq + 1000 {CHAIN} AND seq >= %(seq)s",
        (
            "INSERT INTO audit_auditevent (organization_id, seq, at, actor_label, act, target_type, target_id, reason,"
            " correlation_id, payload, prev_hash, hash) SELECT organization_id, %(seq)s, at, actor_label, 'forged',"
            f" target_type, target_id, reason, correlation_id, payload, prev_hash, hash FROM audit_auditevent {CHAIN}"
            " AND seq = %(seq)s + 1000"
        ),
        f"UPDATE audit_auditevent SET seq = seq - 999 {CHAIN} AND seq >= 1000",
        f"UPDATE audit_audithead SET seq = seq + 1 {CHAIN}",
    ],
    "swap": [
        f"UPDATE audit_auditevent SET seq = 0 {CHAIN} AND seq = %(seq)s",
        f"UPDATE audit_auditevent SET seq = %(seq)s {CHAIN} AND seq = %(seq)s + 1",
        f"UPDATE audit_auditevent SET seq = %(seq)s + 1 {CHAIN} AND seq = 0",
    ],
    "cut tail": [f"DELETE FROM audit_auditevent {CHAIN} AND seq > %(seq)s"],
    "no head": [f"DELETE FROM audit_audithead {CHAIN}"],
}
OUTSIDE = {
    "cut tail with its head": [
        f"DELETE FROM audit_auditevent {CHAIN} AND seq > %(seq)s",
        (
            "UPDATE audit_audithead h SET seq = e.seq, hash = e.hash FROM audit_auditevent e"
            " WHERE h.organization_id = %(home)s AND e.organization_id = %(home)s AND e.seq = %(seq)s"
        ),
    ],
    "rewrite": [REWRITE],
    "whole chain": [f"DELETE FROM audit_auditevent {CHAIN}", f"DELETE FROM audit_audithead {CHAIN}"],
}


def attack(databases: Databases, statements: list[str], home: str, seq: int) -> None:
    """Tamper as the database's superuser, past every lock."""
    with login(databases, "postgres") as superuser:
        superuser.execute("SET session_replication_role = 'replica'")
        for statement in statements:
            cursor = psycopg.ClientCursor(superuser)
            cursor.execute(statement, {"home": home, "seq": seq})


@pytest.mark.torture("L-04")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ATTACKS)
def test_the_chain_itself_shows_tampering_and_names_the_first_bad_event(
    world: World, databases: Databases, name: str, trial: Trial
) -> None:
    """L-04, without anchors."""
    home = write_chain(world)
    seq = tail(world) - 3
    assert found() == {}

    attack(databases, ATTACKS[name], home, seq)

    expected = {
        "change": (seq, "the event was altered"),
        "delete": (seq + 1, f"an event between number {seq - 1} and number {seq + 1} is missing"),
        "insert": (seq, "the event was altered"),
        "swap": (seq, "the event does not follow the one before it"),
        "cut tail": (seq, "the end of the chain is cut off or rewritten"),
        "no head": (seq + 3, "the end of the chain is cut off or rewritten"),
    }
    shown = found()
    assert shown == {home: expected[name]}
    trial.report(n=1, violations=int(home not in shown), attack=name)


@pytest.mark.control("L-04")
@pytest.mark.torture("L-04")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", OUTSIDE)
def test_the_anchor_outside_shows_what_the_chain_alone_cannot(world: World, databases: Databases, name: str) -> None:
    """L-04; without an anchor nothing is found, with one it is."""
    home = write_chain(world)
    seq = tail(world) - 3
    with as_system():
        write_anchors()

    attack(databases, OUTSIDE[name], home, seq)

    with as_system():
        alone = faults()[1]
    expected = {
        "cut tail with its head": (seq + 1, f"the chain ends, but an anchor knows event number {seq + 3}"),
        "rewrite": (seq + 3, "the event differs from its anchor"),
        "whole chain": (1, f"the chain ends, but an anchor knows event number {seq + 3}"),
    }
    assert alone == []
    assert found() == {home: expected[name]}


@pytest.mark.django_db
def test_only_chains_that_grew_get_a_new_anchor(world: World, anchors: Path) -> None:
    with as_system():
        first, second = write_anchors(), write_anchors()
        record("test.act", world.provider_a)
        third = write_anchors()
        report = verify()

    assert (first, second, third) == (2, 0, 1)
    assert (report.ok, report.anchors) == (True, 3)
    (file,) = anchors.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
@pytest.mark.parametrize("act", ["alter", "take out", "put in", "sign anew", "scribble"])
def test_tampering_with_the_anchors_is_found(world: World, anchors: Path, settings: Any, act: str) -> None:
    with as_system():
        write_anchors()
    (file,) = anchors.iterdir()
    lines = file.read_text().splitlines()
    changed = {
        "alter": [lines[0].replace('"seq": ', '"seq": 1'), *lines[1:]],
        "take out": lines[1:],
        "put in": [lines[0], lines[0], *lines[1:]],
        "sign anew": [json.dumps(json.loads(lines[0]) | {"key": "stolen"}), *lines[1:]],
        "scribble": ["hello", *lines[1:]],
    }[act]
    file.write_text("\n".join(changed) + "\n")

    complaints = {
        "alter": "line 1 was altered",
        "take out": "line 1 does not follow the line before it",
        "put in": "line 2 does not follow the line before it",
        "sign anew": "line 1 is signed with the unknown key 'stolen'",
        "scribble": "line 1 is not an anchor",
    }
    assert read_anchors().faults[0] == f"{file.name} {complaints[act]}"


@pytest.mark.django_db
def test_anchors_outlive_a_new_key_as_long_as_the_old_one_is_kept(world: World, settings: Any) -> None:
    with as_system():
        write_anchors()
        settings.FIELD_KEYS = {"next": b"n" * 32} | settings.FIELD_KEYS
        record("test.act", world.provider_a)
        write_anchors()

        assert verify().ok


@pytest.mark.django_db(transaction=True)
def test_the_command_tells_and_its_exit_code_too(world: World, databases: Databases, capsys: Any) -> None:
    home = write_chain(world)
    with role("app_worker"):
        call_command("verify_audit", "--json")
    good = json.loads(capsys.readouterr().out)
    attack(databases, ATTACKS["change"], home, 2)

    with role("app_worker"), pytest.raises(SystemExit) as ended:
        call_command("verify_audit")

    said = capsys.readouterr().out.splitlines()
    assert (good["ok"], good["faults"], good["events"] > 6) == (True, [], True)
    assert ended.value.code == 1
    assert said[0].startswith(f"Chain of {home}, event number 2 (id ")
    assert said[0].endswith("the event was altered.")


@pytest.mark.torture("L-06")
@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_make_one_line(world: World, trial: Trial) -> None:
    """8 or 32 threads, half of them people."""
    threads, each = trial.scale(fast=8, long=32), trial.scale(fast=50, long=1500)
    before = tail(world)

    began = time.monotonic()
    write_all(world, threads, each)
    seconds = time.monotonic() - began

    with as_system():
        rows = AuditEvent.objects.filter(organization=world.provider_a, act="test.act").order_by("seq")
        seqs, payloads = zip(*rows.values_list("seq", "payload"), strict=True)
    assert sorted((one["thread"], one["event"]) for one in payloads) == [
        (thread, event) for thread in range(threads) for event in range(each)
    ]
    gaps = list(seqs) != list(range(before + 1, before + 1 + threads * each))
    trial.report(
        n=threads * each, violations=len(found()) + gaps, threads=threads,
        milliseconds_each=round(seconds * 1000 / (threads * each), 2),
    )  # fmt: skip


@pytest.mark.control("L-06")
@pytest.mark.django_db(transaction=True)
def test_writers_that_do_not_queue_up_break_the_line(world: World, databases: Databases) -> None:
    """The mistake: the end of the chain is read without its lock, and a number may be taken twice."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as superuser:
        [source] = superuser.execute("SELECT pg_get_functiondef('app.append_audit'::regproc)").fetchone()
        superuser.execute("ALTER TABLE audit_auditevent DROP CONSTRAINT audit_chain_gapless")
        superuser.execute(source.replace("FOR UPDATE;", "; PERFORM pg_sleep(0.002);"))

    write_all(world, 8, 20)

    assert found() != {}


def write_all(world: World, threads: int, each: int) -> None:
    """So many threads append so many events each to one chain."""
    provider = world.provider_a
    with as_system():
        person = load_actor(world.provider_admin_a)

    def write(number: int) -> None:
        try:
            for event in range(each):
                if number % 2:
                    with acting(person):
                        record("test.act", provider, payload={"thread": number, "event": event})
                else:
                    with role("app_worker"), acting(system_actor("test")):
                        record("test.act", provider, payload={"thread": number, "event": event})
        finally:
            connection.close()

    running = [threading.Thread(target=write, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
