"""A heartbeat in one statement, for a person whose page was given a signed word when it was opened."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import connection

from accounts.models import User
from core import clock
from courses.models import CourseSession
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment

_SALT = "courses.beat"
_COLUMNS = ("kind", "cc_override_reason", "total_seconds", "idle_seconds", "open_seconds", "open_idle_seconds")


@dataclass(frozen=True, slots=True)
class Beat:
    """What one heartbeat came to: the enrollment and session as far as the answer needs them, and the end of the
    sign-in."""

    enrollment: Enrollment
    session: CourseSession
    signed_in_until: dt.datetime


def password_mark(user: User) -> str:
    """Changes with the password; the database computes the same from the column."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:16]


def give_word(enrollment: Enrollment, user: User, session_key: str, until: dt.datetime) -> str:
    """A word for `quick_beat`: for this enrollment, person and sign-in, while password and rights stay as they are,
    at the latest until `until`."""
    facts = [enrollment.pk.hex, user.pk.hex, user.session_generation, password_mark(user), int(until.timestamp())]
    return signing.dumps(facts, salt=_SALT + session_key)


def quick_beat(word: str, session_key: str, lesson: UUID | None) -> Beat | None:
    """Judge the time since the last heartbeat as `courses.services.beat` does, in one statement.

    None, with nothing written, whenever anything is not as usual: a word that is forged, old or another sign-in's, a
    sign-in that ended or is to be renewed, a pause, another lesson, less than 5 or more than 120 seconds since the
    last time. The long way answers then.
    """
    try:
        enrollment, person, generation, password, until = signing.loads(word, salt=_SALT + session_key)
    except (signing.BadSignature, ValueError):
        return None
    now = clock.now()
    if now.timestamp() >= until:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM app.course_beat(%s, %s, %s, %s, %s, %s, %s, %s)",
            [enrollment, person, generation, password, session_key, now + renewal(), lesson, now],
        )
        row = cursor.fetchone()
    return _beat(UUID(enrollment), dict(zip(_COLUMNS, row, strict=False)), row[-1]) if row else None


def renewal() -> dt.timedelta:
    """How much of a sign-in must be left: with less, the long way renews it."""
    return dt.timedelta(seconds=settings.SESSION_COOKIE_AGE) - dt.timedelta(hours=1)


def _beat(pk: UUID, found: dict[str, Any], until: dt.datetime) -> Beat:
    enrollment = Enrollment(
        pk=pk, kind=found["kind"], cc_override_reason=found["cc_override_reason"], status=EnrollmentStatus.IN_PROGRESS
    )
    numbers = {name: found[name] for name in _COLUMNS[2:]}
    return Beat(enrollment, CourseSession(enrollment_id=pk, **numbers), until)
