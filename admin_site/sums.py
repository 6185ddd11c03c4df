"""The sum of what a list shows, beneath it: worked out by the database, over at most SUM_LIMIT rows."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse

from core.money import format_minor

SUM_LIMIT = 100_000


class SummedList:
    """Mixin before ConsoleModelAdmin: `summed = (("amount_cents", _("Paid")), …)`."""

    summed: ClassVar[tuple[tuple[str, Any], ...]] = ()
    list_after_template = "console/sums.html"

    def changelist_view(self: Any, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        listed = getattr(response, "context_data", None) or {}
        if "cl" in listed:
            listed["sums"] = self.sums_of(listed["cl"].queryset)
        return response

    def sums_of(self: Any, rows: Any) -> dict[str, Any]:
        """How many rows, and the sums of the columns, as they are shown; `is_more` when there are too many to add."""
        some = self.model.objects.filter(pk__in=rows.order_by().values("pk")[: SUM_LIMIT + 1])
        named = {f"sum_{column}": Sum(column, default=0) for column, _label in self.summed}
        found = some.order_by().aggregate(rows=Count("pk"), **named)
        shown = [(label, format_minor(found[f"sum_{column}"])) for column, label in self.summed]
        return {"rows": found["rows"], "shown": shown, "is_more": found["rows"] > SUM_LIMIT, "limit": SUM_LIMIT}
