"""The part of every admin class that its list is declared with; the engine behind it is `admin_site.lists`."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from admin_site.counting import BoundedPaginator
from admin_site.lists import ConsoleChangeList, CountedChangeList, ScopedRelatedFilter
from admin_site.orders import walk_of
from core.search import ids_with, target_of, with_words

OPTIONS = 20


class ListMixin:
    """What a list declares beside Django's own attributes.

    date_drill       column of the year → month → day bar
    search_through   path to the searched model ("" for this one); None: `search_fields` are used
    search_exact     columns that one whole word may equal
    list_is_short    reference data: every order is offered, no index is asked for
    """

    paginator = BoundedPaginator
    show_facets = ShowFacets.NEVER  # a count per choice is a scan per choice
    date_drill = ""
    search_through: str | None = None
    search_exact: tuple[str, ...] = ()
    list_is_short = False

    def get_sortable_by(self, request: HttpRequest) -> list[str]:
        """The columns whose order an index can walk; all of them in a short list."""
        kept = []
        for column in self.get_list_display(request):
            name = column if isinstance(column, str) else column.__name__
            member = column if callable(column) else getattr(self, name, name)
            order = getattr(member, "admin_order_field", name if isinstance(member, str) else None)
            if order is not None and (self.list_is_short or walk_of(self.model, order) is not None):
                kept.append(column)
        return kept

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Not empty where the list can be searched, whatever by."""
        return tuple(super().get_search_fields(request)) or (("pk",) if self.search_through is not None else ())

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the index of words where `search_through` is declared, else by `search_fields`."""
        if self.search_through is not None and search_term.strip():
            return search(self, request, queryset, search_term), False
        return super().get_search_results(request, queryset, search_term)

    def filter_address(self, path: str) -> str:
        """Where a related filter asks what it may offer."""
        return reverse(f"{self.admin_site.name}:{self.address_name('options')}", args=[path])

    @method_decorator(require_safe)
    def filter_options(self, request: HttpRequest, name: str) -> HttpResponse:
        """What the related filter `name` offers for the words typed so far, as JSON; 404 for a filter it has not."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        chosen = next(
            (each for each in self.get_list_filter(request) if isinstance(each, tuple | list) and each[0] == name), None
        )
        if chosen is None or not issubclass(chosen[1], ScopedRelatedFilter):
            raise Http404
        field = get_fields_from_path(self.model, name)[-1]
        made = chosen[1](field, request, {}, self.model, self, name)
        rows = made.options(request)
        if words := request.GET.get("q", "").strip()[:100]:
            remote = self.admin_site.get_model_admin(rows.model)
            rows, _distinct = remote.get_search_results(request, rows, words)
        return JsonResponse({"options": [{"id": str(row.pk), "text": str(row)} for row in rows[:OPTIONS]]})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ConsoleChangeList]:
        return CountedChangeList if getattr(request, "only_counted", False) else ConsoleChangeList

    def record_base(self) -> str:
        """The address of a record without its id."""
        return self.list_url()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if any("\x00" in value for values in dict(request.GET.lists()).values() for value in values):
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, {"empty_state": self.empty_state, **(extra_context or {})})


def search(admin: Any, request: HttpRequest, rows: models.QuerySet, text: str) -> models.QuerySet:
    """The rows that have the words, by the index of words that the model or the one behind `search_through` has; or,
    for one word, those in which a column of `search_exact` equals it. `request.found` says how many had the words."""
    words = text.replace("\x00", "").strip()
    if admin.search_exact and " " not in words:
        equal = Q()
        for name in admin.search_exact:
            equal |= Q(**{name: words})
        ids = list(rows.order_by().filter(equal).values_list("pk", flat=True)[:2])
        if ids:
            return rows.filter(pk__in=ids)
    request.found = ids_with(target_of(admin.model, admin.search_through), words)
    return with_words(rows, request.found, through=admin.search_through)
