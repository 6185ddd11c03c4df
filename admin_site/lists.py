"""Lists that stay fast: counts with an end, filters that know who asks."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.views import ChangeList

from admin_site.columns import LOOKS
from admin_site.scoping import choices_of

COUNT_LIMIT = 10_000
CHOICE_LIMIT = 200


class BoundedPaginator(Paginator):
    """Counts at most COUNT_LIMIT rows: beyond that people filter or search, and the database need not count."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, models.QuerySet):
            return rows.order_by()[:COUNT_LIMIT].count()
        return super().count


class ConsoleChangeList(ChangeList):
    """A list that says "results" only when something narrows it."""

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """What filters; how the list looks is said in the same address."""
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in LOOKS}

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class ScopedRelatedFilter(RelatedDropdownFilter):
    """A filter by a related row that offers only rows in sight, in one query:
    `list_filter = (("provider", ScopedRelatedFilter),)`."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = choices_of(field.remote_field.model, request)
        return [(row.pk, str(row)) for row in rows[:CHOICE_LIMIT]]
