"""A heartbeat in one statement, for a person whose page was given a signed word when it was opened."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import InterfaceError, OperationalError, connection

from accounts.models import User
from core import clock
from courses.gates import TimeGate, time_gate
from enrollments.models import Enrollment

_SALT = "courses.beat"


@dataclass(frozen=True, slots=True)
class Beat:
    """What one heartbeat came to: the time gate, the idle seconds, whether the gap was idle, the end of the sign-in."""

    gate: TimeGate
    idle_seconds: int
    was_idle: bool
    signed_in_until: dt.datetime


def password_mark(user: User) -> str:
    """Changes with the password; the database computes the same from the column."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:16]


def give_word(enrollment: Enrollment, user: User, session_key: str, until: dt.datetime) -> str:
    """A word for `quick_beat`: for this enrollment, person and sign-in, while password and rights stay as they are,
    at the latest until `until`."""
    facts = (enrollment.pk, user.pk, user.session_generation, password_mark(user), int(until.timestamp()))
    return _signer(session_key).sign(".".join(map(str, facts)))


def _signer(session_key: str) -> signing.Signer:
    return signing.Signer(salt=_SALT + session_key)


def quick_beat(word: str, session_key: str, enrollment: str, lesson: UUID | None) -> Beat | None:
    """Judge the time since the last heartbeat as `courses.services.beat` does, in one statement.

    None, with nothing written, whenever anything is not as usual: a word that is forged, old, another enrollment's or
    another sign-in's, a sign-in that ended or is to be renewed, a pause, another lesson, less than 5 or more than 120
    seconds since the last time, a database that does not answer. The long way answers then.
    """
    try:
        own, person, generation, password, until = _signer(session_key).unsign(word).split(".")
    except (signing.BadSignature, ValueError):
        return None
    now = clock.now()
    if own != enrollment or now.timestamp() >= int(until):
        return None
    place = str(lesson) if lesson else None
    facts = [own, person, generation, password, session_key, (now + renewal()).isoformat(), place, now.isoformat()]
    row = _ask(facts)
    return _beat(row) if row else None


def _ask(facts: Sequence[str | None]) -> Any:
    """The function's one row, on the connection as it is: the statement itself shows whether it still works. One that
    does not is put away, so that the next statement opens another. Facts go as text, the cheapest to send."""
    connection.health_check_done = True  # type: ignore[attr-defined]  # -- the stubs leave it out
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM app.course_beat(%s, %s, %s, %s, %s, %s, %s, %s)", facts)
            return cursor.fetchone()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return None


def renewal() -> dt.timedelta:
    """How much of a sign-in must be left: with less, the long way renews it."""
    return dt.timedelta(seconds=settings.SESSION_COOKIE_AGE) - dt.timedelta(hours=1)


def _beat(row: Sequence[Any]) -> Beat:
    kind, reason, total, idle, seconds, idle_gap, until = row
    gate = time_gate(kind, total, cc_override=bool(reason.strip()))
    return Beat(gate, idle, idle_gap > 0 and seconds == 0, until)
