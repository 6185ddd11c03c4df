"""Money by provider and period, counted from the rows themselves: what a finance page shows and a finance file holds.

A period is made of days of the provider's own time zone. A payment counts when it arrived, a refund when it succeeded,
a refund that came back when it failed, a waiver when it was decided, a fee when the course was opened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, F, Func, Q, QuerySet, Sum, Value

from core.context import Actor
from enrollments.models import Enrollment
from organizations.models import Organization
from payments.enums import WaiverStatus
from payments.models import FeeWaiver, Payment, Refund

UNITS = ("day", "month", "quarter")
# A day begins at most so much earlier or later anywhere than in UTC.
WIDEST = dt.timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and cents where the name says so. `came_back` are refunds that failed after they had succeeded."""

    payments: int = 0
    payments_cents: int = 0
    refunds: int = 0
    refunds_cents: int = 0
    came_back: int = 0
    came_back_cents: int = 0
    fees: int = 0
    waived: int = 0
    reduced: int = 0
    denied: int = 0

    @property
    def net_cents(self) -> int:
        """What came, less what went back, plus what of that returned."""
        return self.payments_cents - self.refunds_cents + self.came_back_cents

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one provider in one period; `begins` and `ends` are its first and last day."""

    provider_id: UUID
    provider: str
    begins: dt.date
    ends: dt.date
    figures: Figures


def totals(lines: Iterable[Line]) -> Figures:
    """The sum of lines."""
    return sum((line.figures for line in lines), Figures())


def local_day(moment: str, provider: str) -> Func:
    """The day on which the moment `moment` fell in the time zone of the organization behind the path `provider`."""
    local = Func(F(f"{provider}__time_zone"), F(moment), function="timezone", output_field=models.DateTimeField())
    return Func(local, function="date", output_field=models.DateField())


def within(rows: QuerySet[Any], moment: str, provider: str, first: dt.date, last: dt.date) -> QuerySet[Any]:
    """The rows whose `moment` fell on a day from `first` to `last` in the provider's time zone."""
    opens = dt.datetime.combine(first, dt.time(), dt.UTC) - WIDEST
    closes = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), dt.UTC) + WIDEST
    near = rows.filter(**{f"{moment}__gte": opens, f"{moment}__lt": closes})
    return near.alias(local_day=local_day(moment, provider)).filter(local_day__gte=first, local_day__lte=last)


def finance_lines(
    actor: Actor, first: dt.date, last: dt.date, unit: str, *, provider: UUID | None = None
) -> list[Line]:
    """One line per provider and `unit` in which anything happened, from `first` to `last`, oldest first; over the
    providers whose payments `actor` may view. Five queries, whatever the volume."""
    found: dict[tuple[UUID, dt.date], Figures] = {}
    for rows, path, moment, figures in _questions(actor):
        chosen = rows if provider is None else rows.filter(**{path: provider})
        near = within(chosen, moment, path, first, last)
        for key, counted in _counted(near, path, moment, unit, figures):
            found[key] = found.get(key, Figures()) + counted
    keys = {pk for pk, _begins in found}
    names = dict(Organization.objects.visible_to(actor).filter(pk__in=keys).values_list("pk", "name"))
    lines = [
        Line(pk, names.get(pk, ""), max(begins, first), min(_end(begins, unit), last), figures)
        for (pk, begins), figures in found.items()
    ]
    return sorted(lines, key=lambda line: (line.begins, line.provider, str(line.provider_id)))


def _questions(actor: Actor) -> list[tuple[QuerySet[Any], str, str, dict[str, Any]]]:
    payments = Payment.objects.permitted_to(actor, "payments.view_payment")
    refunds = Refund.objects.permitted_to(actor, "payments.view_refund")
    waivers = FeeWaiver.objects.permitted_to(actor, "payments.view_feewaiver")
    enrollments = Enrollment.objects.permitted_to(actor, "payments.view_payment")
    granted, whole = Q(status=WaiverStatus.GRANTED), Q(reduced_fee_cents__isnull=True)
    return [
        (payments, "provider", "succeeded_at", {"payments": Count("pk"), "payments_cents": Sum("amount_cents")}),
        (refunds, "payment__provider", "succeeded_at",
         {"refunds": Count("pk"), "refunds_cents": Sum("amount_cents")}),
        (refunds.filter(succeeded_at__isnull=False), "payment__provider", "failed_at",
         {"came_back": Count("pk"), "came_back_cents": Sum("amount_cents")}),
        (waivers, "provider", "decided_at", {
            "waived": Count("pk", filter=granted & whole), "reduced": Count("pk", filter=granted & ~whole),
            "denied": Count("pk", filter=Q(status=WaiverStatus.DENIED)),
        }),
        (enrollments, "provider", "enrolled_at", {"fees": Count("pk")}),
    ]  # fmt: skip


def _counted(
    rows: QuerySet[Any], path: str, moment: str, unit: str, figures: dict[str, Any]
) -> Iterable[tuple[tuple[UUID, dt.date], Figures]]:
    period = Func(Value(unit), local_day(moment, path), function="date_trunc", output_field=models.DateTimeField())
    begins = Func(period, function="date", output_field=models.DateField())
    counted = rows.order_by().annotate(begins=begins, home=F(path)).values("home", "begins").annotate(**figures)
    for row in counted:
        yield (row.pop("home"), row.pop("begins")), Figures(**row)


def _end(begins: dt.date, unit: str) -> dt.date:
    months = {"day": 0, "month": 1, "quarter": 3}[unit]
    if not months:
        return begins
    month = begins.month - 1 + months
    return begins.replace(year=begins.year + month // 12, month=month % 12 + 1, day=1) - dt.timedelta(days=1)
