"""The list engine: what every list of the console is made of.

A list is declared on its admin class and nowhere else:

    list_display, more_columns, list_select_related   the columns; what a foreign key shown reads in turn is declared
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
from functools import cached_property
from typing import Any

from django.contrib.admin.filters import FieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.views import ChangeList

from admin_site.columns import LOOKS
from admin_site.counting import BOUND, Bounds, Count, Survey
from admin_site.drill import PARAMETER, Span, condition, narrower, read_span, short
from admin_site.orders import sorted_by, walk_of
from admin_site.pager import AFTER, BEFORE, LAST, PagerMixin
from admin_site.paging import BadCursor, beyond, branches_of, keys_of, read_cursor, top, unscoped
from admin_site.scoping import choices_of
from core.search import MOST, Found

OWN_PARAMETERS = frozenset({AFTER, BEFORE, PARAMETER}) | LOOKS


class ConsoleChangeList(PagerMixin, ChangeList):
    """See the module. `count`, `bounds`, `span`, `turns` and `result_list` are what the page shows."""

    span: Span | None = None

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(request, *args, **kwargs)
        self.title = capfirst(str(self.opts.verbose_name_plural))

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

    def apply_select_related(self, qs: models.QuerySet) -> models.QuerySet:
        """The related rows that are shown, joined so that one out of sight leaves its cell empty and the row there."""
        declared = self.list_select_related
        return qs.joined(*(self._shown_relations() if isinstance(declared, bool) else declared))

    def _shown_relations(self) -> list[str]:
        fields = {field.name: field for field in self.lookup_opts.concrete_fields if field.remote_field}
        return [name for name in self.list_display if isinstance(name, str) and name in fields]

    def get_ordering(self, request: HttpRequest, queryset: models.QuerySet) -> list[Any]:
        """The one column that the address names, as its index walks it; the usual order where it names none, or one
        that nothing walks. A short list is sorted by whatever is asked for."""
        asked = self.params.get(ORDER_VAR, "").split(".")[0]
        if not asked or self.model_admin.list_is_short:
            return super().get_ordering(request, queryset)
        self.params[ORDER_VAR] = asked
        sign, _dash, index = asked.rpartition("-")
        order = self._order_at(index) if not sign else None
        rest = walk_of(self.model, order) if order is not None else None
        if rest is None:
            del self.params[ORDER_VAR]
            return super().get_ordering(request, queryset)
        return sorted_by(order, descending=asked.startswith("-"), rest=rest)

    def _order_at(self, index: str) -> Any:
        is_number = index.isascii() and index.isdigit() and len(index) < 8
        place = int(index) if is_number else len(self.list_display)
        return self.get_ordering_field(self.list_display[place]) if place < len(self.list_display) else None

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
        self.walked, everything = self.queryset, self.root_queryset
        if all(branches):
            permission = self.model_admin.permission("view")
            self.walked = unscoped(self.queryset, request.actor, permission)
            everything = unscoped(everything, request.actor, permission)
        self.keys = keys_of(self.model, self.queryset.query.order_by)
        found: Found | None = getattr(request, "found", None)
        known = Count(MOST, is_exact=False, is_floor=True) if found is not None and not found.is_rare else None
        by_id = self.queryset if found is not None and found.is_rare else None
        self.survey = Survey(self.walked, everything, branches, self.model_admin.date_drill, known=known, found=by_id)
        self.result_list = self._page(request, branches)
        self.result_count = self.full_result_count = self.count.number
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all, self.multi_page = False, len(self.result_list) < self.count.number
        self.paginator = Paginator((), self.list_per_page)

    def _page(self, request: HttpRequest, branches: list[Q]) -> list[Any]:
        """The rows of this page; sets where it stands."""
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
        number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 8 else 1
        return self._at(min(max(number, 1), BOUND // self.list_per_page), branches)

    def _at(self, number: int, branches: list[Q]) -> list[Any]:
        """A numbered page; the last of them where there are fewer."""
        size = self.list_per_page
        found = self._top(branches, self.keys, offset=(number - 1) * size)
        if not found and number > 1:
            return self._at(min(number - 1, max(-(-self.count.number // size), 1)), branches)
        self.page_num = number
        self.has_previous, self.has_next = number > 1, len(found) > size
        if number == 1 and not self.has_next:
            self.count = Count(len(found))
        return found[:size]

    def _beside(self, cursor: str, branches: list[Q], *, forward: bool) -> list[Any]:
        """The page after, or before, a row's place in the order."""
        keys = self.keys if forward else [key.reversed() for key in self.keys]
        values = read_cursor(cursor, binding=self._binding)
        if len(values) != len(keys):
            raise BadCursor
        rest = beyond(keys, values)
        found = self._top([branch & part for branch in branches for part in rest], keys, is_rest=True)
        more, found = len(found) > self.list_per_page, found[: self.list_per_page]
        self.page_num = self._numbered()
        self.has_next, self.has_previous = (more, True) if forward else (True, more)
        return found if forward else found[::-1]

    def _last(self, branches: list[Q]) -> list[Any]:
        """The end of the list, read backwards: as short as the last numbered page where the count is known."""
        size = self.list_per_page
        found = self._top(branches, [key.reversed() for key in self.keys])
        left = (self.count.number - 1) % size + 1 if self.count.is_exact and self.count.number else size
        self.page_num = -(-self.count.number // size) if self.count.is_exact else 0
        self.has_previous, self.has_next = len(found) > left, False
        return found[:left][::-1]

    def _top(self, branches: list[Q], keys: list[Any], *, offset: int = 0, is_rest: bool = False) -> list[Any]:
        """The rows of a page and one more, and with them how many there are in all; `is_rest` for branches that leave
        out what stands before the page."""
        rows = self.survey.beside(self.queryset)
        found = list(top(rows, branches, keys, limit=self.list_per_page + 1, offset=offset, walked=self.walked))
        if found:
            self.count, self.bounds = self.survey.read(found[0])
        elif offset or is_rest:
            self.count, self.bounds = self.survey.ask()
        else:
            self.count, self.bounds = Count(0), Bounds()
        return found

    def _numbered(self) -> int:
        number = self.request.GET.get("p", "")
        return int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0

    # --- what is set ------------------------------------------------------------------------------------------------
    def chips(self) -> list[dict[str, str]]:
        """The filters that leave rows out: their name, the value that is set, and the list without each."""
        return [
            {
                "title": str(spec.title),
                "value": value,
                "without": self.get_query_string(remove=spec.expected_parameters()),
            }
            for spec in self.filter_specs
            if spec.used_parameters and (value := self._chosen(spec))
        ]

    def _chosen(self, spec: Any) -> str:
        every = [choice for choice in spec.choices(self) if choice.get("selected")]
        return ", ".join(str(choice["display"]) for choice in every)

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


class CountedChangeList(ConsoleChangeList):
    """Only how many rows there are: for the tabs of saved views."""

    def _page(self, request: HttpRequest, branches: list[Q]) -> list[Any]:
        self.page_num, self.has_next, self.has_previous = 1, False, False
        self.count, self.bounds = self.survey.ask()
        return []


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

    @cached_property
    def chosen_label(self) -> str:
        if not self.chosen:
            return ""
        row = self.options(self.request).filter(pk=self.chosen).first()
        return str(row) if row is not None else str(self.chosen)

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"display": self.chosen_label, "selected": bool(self.chosen), "query_string": ""}
