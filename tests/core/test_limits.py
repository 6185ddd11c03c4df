"""Rate limits: a window begins with the first use, and a wrong clock locks nobody out for long."""

from __future__ import annotations

import datetime as dt

import pytest

from core import clock
from core.errors import DomainError
from core.limits import hit

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)


def use(times: int) -> None:
    for _ in range(times):
        hit("test", "somebody", limit=3, seconds=60)


def test_one_use_too_many_is_refused_with_the_seconds_left() -> None:
    with clock.held_at(NOON):
        use(3)
    with clock.held_at(NOON + dt.timedelta(seconds=20)), pytest.raises(DomainError) as refusal:
        use(1)
    assert (refusal.value.code, refusal.value.params) == ("too_many_requests", {"seconds": 40})


def test_after_the_window_it_begins_anew() -> None:
    with clock.held_at(NOON):
        use(3)
    with clock.held_at(NOON + dt.timedelta(seconds=60)):
        use(3)


def test_a_server_whose_clock_is_a_little_behind_goes_on_counting() -> None:
    with clock.held_at(NOON):
        use(3)
    with clock.held_at(NOON - dt.timedelta(seconds=5)), pytest.raises(DomainError):
        use(1)


def test_a_window_from_a_clock_that_was_days_ahead_is_over() -> None:
    with clock.held_at(NOON + dt.timedelta(days=7)):
        use(3)
    with clock.held_at(NOON):
        use(3)
