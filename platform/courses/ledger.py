"""The evidence of verified time: one entry per wall-clock minute, chained by hash.

Time is credited in whole seconds, each belonging to the minute in which it began. The minute that runs now is kept on
the session (`open_minute`, `open_seconds`, `open_idle_seconds`). The first second of a later minute, an idle gap, a
pause or the hand-over to the counselor closes it: it becomes an entry, and an entry never changes. So at any time
    seconds of all entries      + open_seconds      == session.total_seconds
    idle seconds of all entries + open_idle_seconds == session.idle_seconds
    chain_length and chain_hash == number and hash of the last entry
and no minute holds more than sixty seconds. An idle gap stands in the entry of the minute that follows it.

Callers hold the lock on the session row and save it afterwards (`SESSION_COLUMNS`).
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from audit.chain import GENESIS, digest
from courses.models import CourseSession, TimeLedgerMinute

VERSION = "1"
MINUTE = dt.timedelta(minutes=1)
SESSION_COLUMNS = (
    "total_seconds", "idle_seconds", "open_minute", "open_seconds", "open_idle_seconds", "chain_length", "chain_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a ledger does not hold; `seq` 0 is the session's own sum or head."""

    seq: int
    what: str


def credit(session: CourseSession, start: dt.datetime, seconds: int) -> None:
    """Add `seconds` whole seconds of verified time that began at `start`."""
    while seconds > 0:
        minute = start.replace(second=0, microsecond=0)
        part = min(seconds, math.ceil((minute + MINUTE - start).total_seconds()))
        _open(session, minute)
        session.open_seconds += part
        session.total_seconds += part
        start += dt.timedelta(seconds=part)
        seconds -= part


def note_idle(session: CourseSession, now: dt.datetime, seconds: int) -> None:
    """Record an idle gap of `seconds` that ended at `now`."""
    close_minute(session)
    session.open_minute = now.replace(second=0, microsecond=0)
    session.open_idle_seconds = seconds
    session.idle_seconds += seconds


def _open(session: CourseSession, minute: dt.datetime) -> None:
    if session.open_minute != minute:
        close_minute(session)
        session.open_minute = minute


def close_minute(session: CourseSession) -> None:
    """Turn the open minute into an entry; nothing happens when nothing stands in it."""
    if session.open_minute is not None and (session.open_seconds or session.open_idle_seconds):
        _append(session, session.open_minute)
    session.open_minute, session.open_seconds, session.open_idle_seconds = None, 0, 0


def _append(session: CourseSession, minute: dt.datetime) -> None:
    entry = TimeLedgerMinute(
        id=uuid.uuid4(),
        session=session,
        seq=session.chain_length + 1,
        minute=minute,
        seconds=session.open_seconds,
        idle_seconds=session.open_idle_seconds,
        total_after=session.total_seconds,
        prev_hash=session.chain_hash,
    )
    entry.hash = entry_hash(entry)
    entry.save(force_insert=True)
    session.chain_length, session.chain_hash = entry.seq, entry.hash


def stamp(moment: dt.datetime) -> str:
    """A minute as the hash and the export spell it: UTC, seconds, Z."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fields(entry: TimeLedgerMinute) -> list[str]:
    """What is hashed, in order; anyone can recompute it from the export."""
    numbers = (entry.seconds, entry.idle_seconds, entry.total_after)
    return [
        VERSION, str(entry.session_id), str(entry.seq), stamp(entry.minute), *map(str, numbers), entry.prev_hash,
    ]  # fmt: skip


def entry_hash(entry: TimeLedgerMinute) -> str:
    """SHA-256 over the length-prefixed fields, as `audit.chain` does it."""
    return digest(fields(entry))


def verify_ledger(session: CourseSession) -> Fault | None:
    """Walk the entries of a session: the first altered, missing, inserted, swapped or impossible one, a cut tail, or
    sums that do not meet; None when everything holds. Reads the session as it was passed in."""
    return find_fault(session, session.minutes.order_by("seq"))


def find_fault(session: CourseSession, entries: Iterable[TimeLedgerMinute]) -> Fault | None:
    """The same walk over entries that the caller fetched, in the order of their numbers."""
    seq, previous, total, idle = 0, GENESIS, 0, 0
    minute, in_minute = dt.datetime.min.replace(tzinfo=dt.UTC), 0
    for entry in entries:
        in_minute = entry.seconds + (in_minute if entry.minute == minute else 0)
        total += entry.seconds
        what = _complaint(entry, seq, previous, total) or _impossible(entry, minute, in_minute)
        if what:
            return Fault(entry.seq, what)
        seq, previous, minute = entry.seq, entry.hash, entry.minute
        idle += entry.idle_seconds
    return _at_the_head(session, (seq, previous), total, idle)


def _complaint(entry: TimeLedgerMinute, seq: int, previous: str, total: int) -> str:
    if entry.seq != seq + 1:
        return f"an entry between number {seq} and number {entry.seq} is missing"
    if entry.prev_hash != previous:
        return "the entry does not follow the one before it"
    if entry.hash != entry_hash(entry):
        return "the entry was altered"
    return "the running total is wrong" if entry.total_after != total else ""


def _impossible(entry: TimeLedgerMinute, minute: dt.datetime, in_minute: int) -> str:
    if entry.minute < minute:
        return "the entry is older than the one before it"
    return "a minute holds more than sixty seconds" if in_minute > 60 else ""


def _at_the_head(session: CourseSession, end: tuple[int, str], total: int, idle: int) -> Fault | None:
    if (session.chain_length, session.chain_hash) != end:
        return Fault(0, "the end of the ledger is cut off or rewritten")
    if session.open_seconds > 60 or total + session.open_seconds != session.total_seconds:
        return Fault(0, "the verified time is not the sum of the ledger")
    if idle + session.open_idle_seconds != session.idle_seconds:
        return Fault(0, "the idle time is not the sum of the ledger")
    return None
