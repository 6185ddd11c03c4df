"""The chained evidence of verified time (CERT-W03)."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from audit.chain import GENESIS, digest
from courses.evidence import time_evidence
from courses.ledger import Fault, find_fault, verify_ledger
from courses.models import CourseSession, TimeLedgerMinute
from courses.services import beat, pause_course, resume_course
from tests.courses.conftest import MORNING, serve
from tests.database import role

pytestmark = pytest.mark.django_db


def session(enrollment) -> CourseSession:
    return CourseSession.objects.get(enrollment=enrollment)


def entries(enrollment) -> list[TimeLedgerMinute]:
    return list(session(enrollment).minutes.order_by("seq"))


def test_each_minute_becomes_one_entry_when_it_is_over(studying, clock_at):
    serve(studying, 150, clock_at)

    assert [(e.seq, (e.minute - MORNING).seconds // 60, e.seconds, e.total_after) for e in entries(studying)] == [
        (1, 0, 60, 60),
        (2, 1, 60, 120),
    ]
    assert session(studying).open_seconds == 30


def test_a_beat_that_crosses_a_minute_is_split_there(studying, clock_at):
    clock_at.shift(50)
    beat(studying)
    clock_at.shift(45)
    beat(studying)
    pause_course(studying)

    assert [(e.minute, e.seconds) for e in entries(studying)] == [
        (MORNING, 60),
        (MORNING + dt.timedelta(minutes=1), 35),
    ]


def test_a_capped_gap_is_credited_to_its_last_sixty_seconds(studying, clock_at):
    clock_at.shift(110)
    beat(studying)
    pause_course(studying)

    assert [(e.minute, e.seconds) for e in entries(studying)] == [
        (MORNING, 10),
        (MORNING + dt.timedelta(minutes=1), 50),
    ]


def test_an_idle_gap_stands_before_the_minute_that_follows_it(studying, clock_at):
    serve(studying, 30, clock_at)
    clock_at.shift(300)
    beat(studying)
    clock_at.shift(20)
    beat(studying)
    pause_course(studying)

    assert [(e.seconds, e.idle_seconds) for e in entries(studying)] == [(30, 0), (20, 300)]


def test_the_sum_of_the_ledger_is_the_verified_time_after_every_step(studying, clock_at):
    chance = random.Random(20)
    for _ in range(150):
        clock_at.shift(chance.choice([0, 0.4, 1.7, 30, 30.2, 59.9, 61, 119, 120.5, 700]))
        step = chance.choice([beat] * 8 + [pause_course, resume_course])
        step(studying)
        assert verify_ledger(session(studying)) is None

    assert session(studying).total_seconds > 1000
    assert session(studying).idle_seconds > 1000


def test_an_entry_is_hashed_over_length_prefixed_fields(studying, clock_at):
    serve(studying, 60, clock_at)
    pause_course(studying)
    [entry] = entries(studying)

    fields = ["1", str(entry.session_id), "1", "2026-12-01T10:00:00Z", "60", "0", "60", GENESIS]
    assert entry.hash == digest(fields)


@pytest.fixture
def ledger(studying, clock_at):
    """Five full minutes as a list, and their session."""
    serve(studying, 300, clock_at)
    pause_course(studying)
    return session(studying), entries(studying)


def test_an_altered_entry_is_found(ledger):
    owner, rows = ledger
    rows[2].seconds = 59

    assert find_fault(owner, rows) == Fault(3, "the entry was altered")


def test_a_missing_entry_is_found(ledger):
    owner, rows = ledger
    del rows[1]

    assert find_fault(owner, rows) == Fault(3, "an entry between number 1 and number 3 is missing")


def test_swapped_entries_are_found(ledger):
    owner, rows = ledger
    rows[1].minute, rows[2].minute = rows[2].minute, rows[1].minute

    assert find_fault(owner, rows) == Fault(2, "the entry was altered")


def test_a_cut_tail_is_found(ledger):
    owner, rows = ledger

    assert find_fault(owner, rows[:-1]) == Fault(0, "the end of the ledger is cut off or rewritten")


def test_a_raised_total_is_found(ledger):
    owner, rows = ledger
    owner.total_seconds += 3300

    assert find_fault(owner, rows) == Fault(0, "the verified time is not the sum of the ledger")


def test_a_rebuilt_chain_with_an_overfull_minute_is_found(ledger):
    owner, rows = ledger
    previous, total = GENESIS, 0
    for row in rows:
        row.seconds = 600
        total += 600
        row.total_after, row.prev_hash = total, previous
        minute = row.minute.strftime("%Y-%m-%dT%H:%M:%SZ")
        row.hash = previous = digest(
            ["1", str(row.session_id), str(row.seq), minute, "600", "0", str(total), row.prev_hash]
        )
    owner.total_seconds, owner.chain_hash = total, previous

    assert find_fault(owner, rows) == Fault(1, "a minute holds more than sixty seconds")


@pytest.mark.parametrize(
    "command", ["UPDATE courses_timeledgerminute SET seconds = 60", "DELETE FROM courses_timeledgerminute"]
)
@pytest.mark.parametrize("login", ["app_web", "app_worker"])
def test_no_runtime_role_changes_an_entry(ledger, command, login):
    refused = pytest.raises((InternalError, ProgrammingError))
    with role(login), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(command)

    assert verify_ledger(ledger[0]) is None


def test_the_export_can_be_recomputed_by_a_stranger(ledger):
    export = json.loads(json.dumps(time_evidence(ledger[0])))

    previous, total = GENESIS, 0
    for line in export["entries"]:
        total += line["verified_seconds"]
        names = ("minute", "verified_seconds", "idle_seconds_before", "verified_seconds_after", "previous_hash")
        fields = ["1", export["session"], str(line["number"]), *(str(line[name]) for name in names)]
        assert (line["hash"], line["previous_hash"]) == (digest(fields), previous)
        previous = line["hash"]
    assert (total, previous) == (export["verified_seconds"], export["head"]["hash"])
    assert (export["intact"], export["fault"], export["required_seconds"]) == (True, None, 3600)
