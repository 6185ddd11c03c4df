"""Imports under hostile files, other people's words, kills in the middle, and a thief of the database."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections

from core import context
from core.context import acting, current_actor
from core.errors import DomainError
from enrollments.services import bulk
from imports.models import ImportRun
from imports.services import runs
from organizations.models import Membership
from resources import importing
from resources.enrollments import EnrollmentResource
from resources.importing import confirm, run_import
from resources.payments import PaymentResource
from resources.writing import write_chunk
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.resources.files import CLIENT, csv_file
from tests.torture.imports import a_file, actor_of, checked_run, halves, state_of, superuser
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)


# --- C-03: authority --------------------------------------------------------------------------------------------------
def hostile_files(world: World) -> list[tuple[type[Any], list[dict[str, Any]]]]:
    """Files that reach for what is not the person's: other tenants, ids, columns that decide."""
    theirs, gone = world.invited_b, "00000000-0000-4000-8000-000000000001"
    rows: list[tuple[type[Any], list[dict[str, Any]]]] = [
        (EnrollmentResource, [CLIENT | {"provider_slug": "provider-b"}]),
        (EnrollmentResource, [CLIENT | {"firm_slug": "firm-b"}]),
        (EnrollmentResource, [CLIENT | {"court_id": str(theirs.pk)}]),
    ]
    rows += [
        (EnrollmentResource, [CLIENT | {column: str(theirs.pk)}])
        for column in ("tenant", "provider", "is_superuser", "id", "client_id", "status", "delete", "has_fee_waiver")
    ]
    rows += [
        (PaymentResource, [{"enrollment_id": pk, "reference": "Check 7", "amount_cents": "5000"}])
        for pk in (str(theirs.pk), str(world.certified_b.pk), gone, "1", "' OR 1=1 --")
    ]
    good = CLIENT | {"email": "good@example.org", "ssn_last4": "7777"}
    return [(kind, ([good] if kind is EnrollmentResource else []) + bad) for kind, bad in rows]


def harm(world: World, databases: Databases) -> tuple[int, int]:
    """How many hostile files were tried, and how many were not refused in words or left a trace."""
    actor, before, violations = actor_of(world.provider_admin_a), state_of(databases), 0
    files = hostile_files(world)
    for kind, rows in files:
        try:
            with acting(actor):
                report = run_import(kind(actor, world.provider_a), csv_file(*rows), name="x.csv", dry_run=False)
            violations += not report.errors
        except DomainError:
            continue
        except DatabaseError:
            violations += 1
    return len(files), violations + (state_of(databases) != before)


@pytest.mark.torture("C-03")
def test_an_import_reaches_only_what_its_person_may(world: World, databases: Databases, trial: Trial) -> None:
    """C-03: refused, and the whole file with it."""
    tried, violations = harm(world, databases)
    trial.report(n=tried, violations=violations)


@pytest.mark.control("C-03")
def test_an_import_that_believes_its_file_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    believes = lambda self, values: (values["provider_slug"] or self.organization, values["firm_slug"])  # noqa: E731 -- the sabotage in one line
    monkeypatch.setattr(EnrollmentResource, "homes", believes)
    assert harm(world, databases)[1] > 0


# --- C-05: what is confirmed is what was seen -------------------------------------------------------------------------
def slips(world: World, databases: Databases) -> tuple[int, int]:
    """Words that must not count, and how many did."""
    admin, home = world.provider_admin_a, world.provider_a
    before, violations = state_of(databases), 0

    def word(run: ImportRun, user: Any, snapshot: str) -> bool:
        actor = actor_of(user)
        try:
            with acting(actor):
                confirm(EnrollmentResource(actor, home), run, snapshot=snapshot)
        except DomainError:
            return False
        return True

    one, other = (checked_run(admin, home, a_file(5, seed)) for seed in (1, 2))
    wrong = [(one, world.owner_a, one.snapshot), (one, world.provider_admin_b, one.snapshot),
             (one, admin, other.snapshot), (one, admin, "")]  # fmt: skip
    violations += sum(word(*told) for told in wrong)
    with as_system():
        Membership.objects.filter(user=admin).update(role="counselor")
    violations += word(one, admin, one.snapshot)
    with as_system():
        Membership.objects.filter(user=admin).update(role="provider_admin")
    violations += state_of(databases) != before
    violations += not word(one, admin, one.snapshot)
    after = state_of(databases)
    violations += word(one, admin, one.snapshot)
    # The same clients are on record now: what the second preview showed is not true any more.
    violations += word(checked_run_before(other), admin, other.snapshot)
    return len(wrong) + 4, violations + (state_of(databases) != after)


def checked_run_before(run: ImportRun) -> ImportRun:
    with as_system():
        return ImportRun.objects.get(pk=run.pk)


@pytest.mark.torture("C-05")
def test_only_the_uploaders_word_about_the_preview_counts(world: World, databases: Databases, trial: Trial) -> None:
    """C-05."""
    tried, violations = slips(world, databases)
    trial.report(n=tried, violations=violations)


@pytest.mark.control("C-05")
def test_a_confirmation_by_anybody_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "only_uploader", lambda *_told: None)
    monkeypatch.setattr(runs, "only_uploader", lambda *_told: None)
    assert slips(world, databases)[1] > 0


# --- C-06: killed in the middle ---------------------------------------------------------------------------------------
CHUNK = 20


def in_a_child(work: Callable[[], None], *, dies_at: int) -> bool:
    """Do `work` in a process of its own, which kills itself before its n-th statement; whether it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            for each in connections.all(initialized_only=True):
                each.connection = None
                each.in_atomic_block = False
                each.savepoint_ids, each.run_on_commit, each.atomic_blocks = [], [], []
            count = 0

            def step(execute: Any, *args: Any) -> Any:
                nonlocal count
                count += 1
                if count == dies_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return execute(*args)

            with connection.execute_wrapper(step):
                work()
            os._exit(0)
        except BaseException:  # noqa: BLE001 -- the child must not go on as a second test run
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def survive(world: World, databases: Databases, trial: Trial, *, kills: int) -> tuple[int, int]:
    """Write a file chunk by chunk while killing the writer; how often it died, and what stood half."""
    rows = 120
    run = checked_run(world.provider_admin_a, world.provider_a, a_file(rows))
    actor = actor_of(world.provider_admin_a)
    with acting(actor):
        confirm(EnrollmentResource(actor, world.provider_a), run, snapshot=run.snapshot, at_once=0)

    def chunk() -> None:
        with acting(actor):
            write_chunk(EnrollmentResource(actor, world.provider_a), run, size=CHUNK)

    died = violations = 0
    for _ in range(kills):
        died += not in_a_child(chunk, dies_at=trial.random.randrange(1, 45))
        violations += halves(databases, run) > 0
    for _ in range(rows // CHUNK + 1):
        chunk()
    with superuser(databases) as judge:
        sql = "SELECT count(*) FROM enrollments_enrollment e JOIN enrollments_client c ON c.id = e.client_id"
        [made] = judge.execute(f"{sql} WHERE c.email LIKE '%@import.example'").fetchone() or [0]
    return died, violations + abs(made - rows)


@pytest.mark.torture("C-06")
def test_a_killed_import_is_resumed_and_never_half(world: World, databases: Databases, trial: Trial) -> None:
    """C-06."""
    died, violations = survive(world, databases, trial, kills=trial.scale(fast=8, long=60))
    trial.report(n=died, violations=violations)


@pytest.mark.control("C-06")
def test_a_chunk_that_commits_in_between_is_found_out(
    world: World, databases: Databases, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = bulk.keep_versions

    def in_between(*args: Any, **kwargs: Any) -> Any:
        done = honest(*args, **kwargs)
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
            cursor.execute("BEGIN")
        context._apply(current_actor())
        return done

    monkeypatch.setattr(bulk, "keep_versions", in_between)
    try:
        _died, violations = survive(world, databases, trial, kills=25)
    except DatabaseError:
        violations = 1  # what was written twice collides
    assert violations > 0


# --- at rest ----------------------------------------------------------------------------------------------------
SECRET = CLIENT | {"birth_date": "1931-07-19", "ssn_last4": "9182", "email": "secret@import.example"}


def leaks(world: World, databases: Databases) -> tuple[int, int]:
    """Text columns of the whole database, and in how many a birth date or the four digits of an import stand plain."""
    run = checked_run(world.provider_admin_a, world.provider_a, csv_file(SECRET, SECRET | {"kind": "XX"}))
    actor = actor_of(world.provider_admin_a)
    with acting(actor):
        confirm(EnrollmentResource(actor, world.provider_a), run, snapshot=run.snapshot, leave_out=True)
    with superuser(databases) as judge:
        columns = judge.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb')"
        ).fetchall()
        found = 0
        for table, column in columns:
            sql = f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ~ %s'
            [hits] = judge.execute(sql, [r"1931-07-19|(^|[^0-9A-Za-z])9182([^0-9A-Za-z]|$)"]).fetchone() or [0]
            found += hits
    return len(columns), found


@pytest.mark.torture("Q-08")
def test_what_an_import_seals_stands_nowhere_plain(world: World, databases: Databases, trial: Trial) -> None:
    """Q-08, of imports: staged, written, refused, journalled."""
    columns, found = leaks(world, databases)
    trial.report(n=columns, violations=found)


@pytest.mark.control("Q-08")
def test_staging_without_a_seal_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "seal", lambda plain, **_told: plain)
    assert leaks(world, databases)[1] > 0
