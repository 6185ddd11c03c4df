"""The time evidence of one course session, complete enough for a stranger to recompute."""

from __future__ import annotations

from typing import Any

from core import clock
from courses import ledger
from courses.gates import time_gate
from courses.models import CourseSession

_RULE = (
    "hash = SHA-256 over the fields version, session, number, minute, verified_seconds, idle_seconds_before,"
    " verified_seconds_after, previous_hash of an entry; each field as its byte length, a colon and its UTF-8 bytes."
    " The first previous_hash is 64 zeros."
)


def time_evidence(session: CourseSession) -> dict[str, Any]:
    """The ledger of a session with its sums, its rule and the result of walking it now. No name, no personal data.

    Seconds are whole; minutes are UTC. `open` is the minute that runs and stands in no entry yet.
    """
    entries = list(session.minutes.order_by("seq"))
    fault = ledger.find_fault(session, entries)
    return {
        "format": f"time-ledger-{ledger.VERSION}",
        "rule": _RULE,
        "exported_at": ledger.stamp(clock.now()),
        "session": str(session.pk),
        "enrollment": str(session.enrollment_id),
        "course": str(session.course),
        "begun_at": ledger.stamp(session.opened_at),
        "required_seconds": time_gate(session.course.kind, session.total_seconds).required_seconds,
        "verified_seconds": session.total_seconds,
        "idle_seconds": session.idle_seconds,
        "head": {"number": session.chain_length, "hash": session.chain_hash},
        "open": {"verified_seconds": session.open_seconds, "idle_seconds_before": session.open_idle_seconds},
        "intact": fault is None,
        "fault": {"number": fault.seq, "what": fault.what} if fault else None,
        "entries": [_line(entry) for entry in entries],
    }


def _line(entry: Any) -> dict[str, Any]:
    return {
        "number": entry.seq,
        "minute": ledger.stamp(entry.minute),
        "verified_seconds": entry.seconds,
        "idle_seconds_before": entry.idle_seconds,
        "verified_seconds_after": entry.total_after,
        "previous_hash": entry.prev_hash,
        "hash": entry.hash,
    }
