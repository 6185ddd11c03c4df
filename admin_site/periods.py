"""Filter a list by the days on which something happened, in each provider's own time zone."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from payments.finance import within


class PeriodFilter(SimpleListFilter):
    """`?arrived=2026-03-01..2026-03-31`, both days included. Subclasses say which moment, and whose time zone."""

    moment = ""
    provider = "provider"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        today = clock.today()
        month = today.replace(day=1)
        before = (month - dt.timedelta(days=1)).replace(day=1)
        quarter = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        offered = [
            (f"{month}..{today}", _("This month")),
            (f"{before}..{month - dt.timedelta(days=1)}", _("Last month")),
            (f"{quarter}..{today}", _("This quarter")),
            (f"{today.replace(month=1, day=1)}..{today}", _("This year")),
        ]
        chosen = self.value()
        if chosen and chosen not in dict(offered):
            offered.insert(0, (chosen, chosen.replace("..", " – ")))
        return offered

    def queryset(self, request: Any, queryset: Any) -> Any:
        if not self.value():
            return queryset
        try:
            first, last = map(dt.date.fromisoformat, str(self.value()).split(".."))
            return within(queryset, self.moment, self.provider, first, last)
        except (ValueError, OverflowError):
            raise IncorrectLookupParameters from None


class ArrivedFilter(PeriodFilter):
    title, parameter_name, moment = gettext_lazy("arrived"), "arrived", "succeeded_at"


class RefundedFilter(PeriodFilter):
    title, parameter_name, moment, provider = (
        gettext_lazy("succeeded"),
        "succeeded",
        "succeeded_at",
        "payment__provider",
    )


class CameBackFilter(PeriodFilter):
    """Refunds that failed after they had succeeded: the money is here again."""

    title, parameter_name, moment, provider = gettext_lazy("came back"), "came_back", "failed_at", "payment__provider"

    def queryset(self, request: Any, queryset: Any) -> Any:
        rows = super().queryset(request, queryset)
        return rows.filter(succeeded_at__isnull=False) if self.value() else rows


class DecidedFilter(PeriodFilter):
    title, parameter_name, moment = gettext_lazy("decided"), "decided", "decided_at"
