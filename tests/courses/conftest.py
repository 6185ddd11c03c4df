"""A person in a course, and a clock that stands until it is moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine

from core.context import acting
from courses.services import beat, begin_course
from organizations.actors import load_actor
from tests.database import as_system

MORNING = dt.datetime(2026, 12, 1, 10, 0, 0, tzinfo=dt.UTC)


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    """The clock stands at ten in the morning; `clock_at.shift(30)` moves it."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@contextmanager
def person(user: Any) -> Iterator[None]:
    """Act as `user`, as a request of theirs does."""
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        yield


@pytest.fixture
def studying(world: Any, clock_at: time_machine.Traveller) -> Iterator[Any]:
    """The enrollment of the spouse in tenant A, begun this very moment; the test acts as the spouse."""
    enrollment, user = world.spouse_enrollment_a, world.spouse_user_a
    with person(user):
        enrollment = type(enrollment).objects.select_related("client").get(pk=enrollment.pk)
        begin_course(enrollment, user)
        yield enrollment


def serve(enrollment: Any, seconds: int, clock: time_machine.Traveller) -> None:
    """Study for `seconds`, with a heartbeat every thirty seconds and one at the end."""
    for _ in range(seconds // 30):
        clock.shift(30)
        beat(enrollment)
    if seconds % 30:
        clock.shift(seconds % 30)
        beat(enrollment)
