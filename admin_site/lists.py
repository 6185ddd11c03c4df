"""The list engine: what every list of the console is made of.

A list is declared on its admin class and nowhere else:

    list_display, more_columns, list_select_related   the columns; a foreign key shown must be joined
    ordering                            the usual order; others are offered where an index can walk them
    list_filter                         choices, booleans, `("provider", ScopedRelatedFilter)`, own SimpleListFilters
    date_drill                          the column of the year → month → day bar; empty for none
    search_through, search_exact        where words are looked for (`core.search`); columns a whole word may equal
    list_per_page                       rows a page

What a person made of it (columns, density, filters, order) stands in the address, so a link and a saved view bring it
back (`admin_site.columns`, `admin_site.saved_views`). A change of many rows takes `ConsoleChangeList.get_queryset`:
every row that matches and that the person may see, in order, without page. Paging, counting and dates are in
`admin_site.paging`, `.counting` and `.drill`, the markup in `admin_site.cells`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin.filters import FieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.views import ChangeList

from admin_site.columns import LOOKS
from admin_site.counting import BOUND, Count, survey
from admin_site.drill import PARAMETER, Span, condition, narrower, read_span, short
from admin_site.paging import BadCursor, beyond, branches_of, cursor_for, keys_of, read_cursor, top, values_of
from admin_site.scoping import choices_of
from core.search import MOST, Found

AFTER, BEFORE, LAST = "after", "before", "last"
OWN_PARAMETERS = frozenset({AFTER, BEFORE, PARAMETER}) | LOOKS


@dataclass(frozen=True, slots=True)
class Turn:
    """One link of the pager; `address` is None where there is nowhere to go."""

    label: str
    address: str | None
    is_current: bool = False


class ConsoleChangeList(ChangeList):
    """See the module. `count`, `bounds`, `span`, `turns` and `result_list` are what the page shows."""

    span: Span | None = None

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(request, *args, **kwargs)

    # --- what is asked for ------------------------------------------------------------------------------------------
    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        kept = super().get_filters_params(params)
        return {name: value for name, value in kept.items() if name not in OWN_PARAMETERS}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """A cursor belongs to the page it was made for: no other link carries it on."""
        return super().get_query_string({AFTER: None, BEFORE: None, **(new_params or {})}, remove)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> models.QuerySet:
        """Every row that matches, in order: filters, then the span of dates."""
        rows = super().get_queryset(request, exclude_parameters)
        field = self.date_field
        self.span = read_span(request.GET.get(PARAMETER, "")) if field is not None else None
        return rows.filter(condition(field, self.span)) if field is not None and self.span else rows

    @cached_property
    def date_field(self) -> models.Field[Any, Any] | None:
        name = self.model_admin.date_drill
        return self.lookup_opts.get_field(name) if name else None

    @property
    def is_narrowed(self) -> bool:
        """Whether something other than the person's rights leaves rows out."""
        return bool(self.query or self.has_active_filters or self.span)

    # --- the page ---------------------------------------------------------------------------------------------------
    def get_results(self, request: HttpRequest) -> None:
        branches = branches_of(self.model, request.actor, self.model_admin.permission("view"))
        if self.queryset.query.distinct or self.queryset.query.is_sliced:
            branches = [Q()]
        self.keys = keys_of(self.model, self.queryset.query.order_by)
        found: Found | None = getattr(request, "found", None)
        known = Count(MOST, is_exact=False, is_floor=True) if found is not None and not found.is_rare else None
        self.count, self.bounds = survey(
            self.queryset, self.root_queryset, branches, self.model_admin.date_drill, known=known
        )
        self.result_list = self._page(request, branches)
        self.result_count = self.full_result_count = self.count.number
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all, self.multi_page = False, len(self.result_list) < self.count.number
        self.paginator = Paginator((), self.list_per_page)

    def _page(self, request: HttpRequest, branches: list[Q]) -> list[Any]:
        """The rows of this page; sets where it stands."""
        size = self.list_per_page
        self.has_next = self.has_previous = False
        wanted = request.GET.get("p", "")
        try:
            if cursor := request.GET.get(AFTER):
                return self._beside(cursor, branches, forward=True)
            if cursor := request.GET.get(BEFORE):
                return self._beside(cursor, branches, forward=False)
        except BadCursor:
            wanted = ""
        if wanted == LAST:
            return self._last(branches)
        pages = max(-(-min(self.count.number, BOUND) // size), 1)
        self.page_num = min(max(int(wanted), 1), pages) if wanted.isascii() and wanted.isdigit() else 1
        found = list(top(self.queryset, branches, self.keys, limit=size + 1, offset=(self.page_num - 1) * size))
        self.has_previous, self.has_next = self.page_num > 1, len(found) > size
        return found[:size]

    def _beside(self, cursor: str, branches: list[Q], *, forward: bool) -> list[Any]:
        """The page after, or before, a row's place in the order."""
        keys = self.keys if forward else [key.reversed() for key in self.keys]
        values = read_cursor(cursor, binding=self._binding)
        if len(values) != len(keys):
            raise BadCursor
        rest = beyond(keys, values)
        found = list(
            top(self.queryset, [branch & part for branch in branches for part in rest], keys,
                limit=self.list_per_page + 1)
        )  # fmt: skip
        more, found = len(found) > self.list_per_page, found[: self.list_per_page]
        self.page_num = self._numbered()
        self.has_next, self.has_previous = (more, True) if forward else (True, more)
        return found if forward else found[::-1]

    def _last(self, branches: list[Q]) -> list[Any]:
        """The end of the list, read backwards: as short as the last numbered page where the count is known."""
        size = self.list_per_page
        left = (self.count.number - 1) % size + 1 if self.count.is_exact and self.count.number else size
        found = list(top(self.queryset, branches, [key.reversed() for key in self.keys], limit=left + 1))
        self.page_num = -(-self.count.number // size) if self.count.is_exact else 0
        self.has_previous = len(found) > left
        return found[:left][::-1]

    def _numbered(self) -> int:
        number = self.request.GET.get("p", "")
        return int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0

    @property
    def _binding(self) -> str:
        order = ",".join(f"{'-' if key.descending else ''}{key.expression!r}" for key in self.keys)
        return f"list|{self.lookup_opts.label_lower}|{order}"

    # --- the pager --------------------------------------------------------------------------------------------------
    def turns(self) -> list[Turn]:
        """First, previous, the pages around this one where they are known, next, last."""
        here = self.page_num
        first = Turn(_("First"), self.get_query_string() if self.has_previous else None)
        last = Turn(_("Last"), self.get_query_string({"p": LAST}) if self.has_next else None)
        back = self._turn(_("Previous"), BEFORE, 0, here - 1) if self.has_previous else Turn(_("Previous"), None)
        on = self._turn(_("Next"), AFTER, -1, here + 1 if here else 0) if self.has_next else Turn(_("Next"), None)
        return [first, back, *self._numbers(), on, last]

    def _turn(self, label: str, parameter: str, index: int, number: int) -> Turn:
        cursor = cursor_for(values_of(self.result_list[index], self.keys), binding=self._binding)
        asked: dict[str, Any] = {parameter: cursor}
        if number > 0:
            asked["p"] = number
        return Turn(label, self.get_query_string(asked))

    def _numbers(self) -> Iterator[Turn]:
        if not self.page_num:
            return
        pages = -(-self.count.number // self.list_per_page) if self.count.is_exact else self.page_num
        for number in range(max(1, self.page_num - 2), min(pages, self.page_num + 2) + 1):
            address = self.get_query_string({"p": number}) if number * self.list_per_page <= BOUND else None
            if address or number == self.page_num:
                yield Turn(str(number), address, is_current=number == self.page_num)

    # --- dates ------------------------------------------------------------------------------------------------------
    def date_steps(self) -> dict[str, Any] | None:
        """The bar of dates: the way here and what to choose from next; None where the list has none."""
        if self.date_field is None or (self.bounds.first is None and self.span is None):
            return None
        way = [] if self.span is None else [*self.span.wider(), self.span]
        return {
            "title": self.date_field.verbose_name,
            "all": self.get_query_string(remove=[PARAMETER]),
            "way": [(str(step), self.get_query_string({PARAMETER: step.text})) for step in way],
            "next": [
                (short(step), self.get_query_string({PARAMETER: step.text}))
                for step in narrower(self.span, self.bounds.first, self.bounds.last)
            ],
        }


class ScopedRelatedFilter(FieldListFilter):
    """A filter by a related row in sight: `list_filter = (("provider", ScopedRelatedFilter),)`. It costs nothing until
    it is used: what it offers is asked for while typing (`ConsoleModelAdmin.filter_options`), and only the name of
    the chosen row is read. `narrow` is a condition on what is offered."""

    template = "console/filters/related.html"
    narrow = Q()

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.lookup_kwarg = f"{field_path}__id__exact"
        chosen = params.get(self.lookup_kwarg)  # Django takes it out of `params`.
        super().__init__(field, request, params, model, model_admin, field_path)
        self.request = request
        self.model_admin = model_admin
        self.title = getattr(field, "verbose_name", field_path)
        self.chosen = chosen[-1] if chosen else ""
        self.address = model_admin.filter_address(field_path)

    def expected_parameters(self) -> list[str | None]:
        return [self.lookup_kwarg]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        try:
            return queryset.filter(**{f"{self.field_path}__exact": self.chosen}) if self.chosen else queryset
        except (ValidationError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error

    def options(self, request: HttpRequest) -> models.QuerySet:
        """The rows it offers to this person."""
        rows = choices_of(self.field.remote_field.model, request)
        names = {field.name for field in rows.model._meta.get_fields()}
        flag = f"is_{self.field.name}"
        return rows.filter(**{flag: True}) if flag in names else rows

    @property
    def chosen_label(self) -> str:
        if not self.chosen:
            return ""
        row = self.options(self.request).filter(pk=self.chosen).first()
        return str(row) if row is not None else str(self.chosen)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"display": self.chosen_label, "selected": bool(self.chosen), "query_string": ""}
