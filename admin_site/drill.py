"""Dates of a list, year → month → day, without reading the rows: the bounds come from both ends of an index, and a
chosen span is a range of it. The address carries `on=2026`, `on=2026-03` or `on=2026-03-14`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format

PARAMETER = "on"
_LENGTHS = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d"}


@dataclass(frozen=True, slots=True)
class Span:
    """A year, a month of one or a day of it; `precision` is 1, 2 or 3."""

    first: dt.date
    precision: int

    @property
    def after(self) -> dt.date:
        """The first day that no longer belongs to it."""
        if self.precision == 3:
            return self.first + dt.timedelta(days=1)
        if self.precision == 2:
            return (self.first + dt.timedelta(days=32)).replace(day=1)
        return self.first.replace(year=self.first.year + 1)

    @property
    def text(self) -> str:
        return self.first.isoformat()[: (4, 7, 10)[self.precision - 1]]

    def __str__(self) -> str:
        if self.precision == 1:
            return str(self.first.year)
        return date_format(self.first, "YEAR_MONTH_FORMAT" if self.precision == 2 else "DATE_FORMAT")

    def wider(self) -> list[Span]:
        """The year and the month around it, widest first."""
        return [Span(self.first.replace(month=1, day=1), 1), Span(self.first.replace(day=1), 2)][: self.precision - 1]


def read_span(text: str) -> Span | None:
    """The span an address names; None for anything else."""
    pattern = _LENGTHS.get(len(text))
    if pattern is None:
        return None
    try:
        day = dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007 -- a day on the calendar, no moment
    except ValueError:
        return None
    return Span(day, len(text) // 3) if 1900 <= day.year < 9999 else None


def condition(field: models.Field[Any, Any], span: Span) -> Q:
    """Rows of the span, as a range that an index can answer."""
    first: Any = span.first
    after: Any = span.after
    if isinstance(field, models.DateTimeField):
        first, after = (timezone.make_aware(dt.datetime.combine(day, dt.time())) for day in (first, after))
    return Q(**{f"{field.name}__gte": first, f"{field.name}__lt": after})


def narrower(span: Span | None, first: Any, last: Any) -> list[Span]:
    """What to choose from next, between the bounds of the list; empty below a day and for an empty list."""
    if first is None or last is None or (span is not None and span.precision == 3):
        return []
    low, high = _day(first), _day(last)
    if span is None:
        return [Span(dt.date(year, 1, 1), 1) for year in range(high.year, low.year - 1, -1)]
    low, high = max(low, span.first), min(high, span.after - dt.timedelta(days=1))
    if span.precision == 1:
        months = range(low.month, high.month + 1) if low <= high else range(0)
        return [Span(span.first.replace(month=month), 2) for month in months]
    return [Span(low + dt.timedelta(days=n), 3) for n in range((high - low).days + 1)]


def _day(value: Any) -> dt.date:
    return timezone.localtime(value).date() if isinstance(value, dt.datetime) else value


def short(span: Span) -> str:
    """As a step inside its parent: 2026, March, 14."""
    return date_format(span.first, ("Y", "F", "j")[span.precision - 1])
