"""Court days: weekends, legal holidays, and how a period that ends on one of them runs on.

Rule 9006(a) of the Federal Rules of Bankruptcy Procedure counts every day but the first, and moves a last day that is
a Saturday, a Sunday or a legal holiday to the next day that is none. Legal holidays are the federal ones, on their
date and on the day they are observed, and, for periods counted forward from an event, those of the court's state.
A day on which a court is closed for another reason (a one-off closing by the President, a storm) is known to people,
not to a package: callers pass such days in as `closures`, either dates or a mapping from date to reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from holidays import country_holidays, list_supported_countries

from core.rules import RuleError

Closures = Collection[date]

_WEEKEND = {5: "Saturday", 6: "Sunday"}
_ONE_DAY = timedelta(days=1)


@cache
def states() -> frozenset[str]:
    """USPS codes of the states and territories. Asked first, it loads every calendar there is: not done at start."""
    return frozenset(list_supported_countries()["US"])


@lru_cache(maxsize=1024)
def legal_holidays(year: int, state: str | None = None) -> Mapping[date, str]:
    """Name by date of the federal legal holidays of `year`, and of `state` (USPS code) when one is given.

    Raises RuleError `unknown_state`.
    """
    federal = _package_days(year, None)
    if state is None:
        return federal
    if state not in states():
        raise RuleError("unknown_state", f"Unknown state {state!r}.")
    return _package_days(year, state) | federal


def _package_days(year: int, state: str | None) -> dict[date, str]:
    return dict(country_holidays("US", state, years=year, observed=True, expand=False, language="en_US").items())


def closed_because(day: date, *, state: str | None = None, closures: Closures = ()) -> str:
    """Why no court business is done on `day`: the weekday, the holiday's name or the closure; empty on an open day."""
    if isinstance(day, datetime):
        raise TypeError("A calendar day is needed, not a moment; convert it to the court's time zone first.")
    if day.weekday() in _WEEKEND:
        return _WEEKEND[day.weekday()]
    if holiday := legal_holidays(day.year, state).get(day):
        return holiday
    if day not in closures:
        return ""
    return str(closures[day]) if isinstance(closures, Mapping) else "court closed"


def is_business_day(day: date, *, state: str | None = None, closures: Closures = ()) -> bool:
    """Whether `day` is no weekend day, legal holiday or closure. Without a state only federal holidays count."""
    return not closed_because(day, state=state, closures=closures)


def add_business_days(start: date, count: int, *, state: str | None, closures: Closures = ()) -> date:
    """The `count`-th business day after `start`. The first day is never counted, be it a business day or not."""
    if count < 0:
        raise ValueError("Business days are counted forward only.")
    day = start
    while count:
        day += _ONE_DAY
        count -= is_business_day(day, state=state, closures=closures)
    return day


def roll_forward(day: date, *, state: str | None, closures: Closures = ()) -> date:
    """`day` itself when business is done on it, else the next such day (Rule 9006(a)(1)(C))."""
    while closed_because(day, state=state, closures=closures):
        day += _ONE_DAY
    return day
