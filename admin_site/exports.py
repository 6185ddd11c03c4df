"""Export pages of a list: what the list shows leaves at once, as work in the background, or regularly.

    @console_register(Refund)
    class RefundAdmin(ConsoleExport, ConsoleModelAdmin):
        resource_class = RefundResource

Needs `<app>.export_<model>`. Up to REQUEST_LIMIT rows are sent at once; more are written in the background, and the
person gets a mail with a link to the console.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from admin_site.exchange_pages import FORM, WRITE, ExchangePages, download
from admin_site.export_forms import ExportForm, ScheduleForm
from core import clock
from core.context import Actor
from core.errors import DomainError
from exports.services.runs import Wanted, request_run
from exports.services.schedules import schedule_export
from resources.base import ConsoleResource
from resources.exporting import FORMATS, REQUEST_LIMIT, estimated_rows, run_export, told_filters
from resources.lists import declare_list

# Counting goes no further: beyond it the page says "more than".
COUNT_LIMIT = 1_000_000
_OF_THE_PAGE = ("p", "e", "all")


class ConsoleExport(ExchangePages):
    """Mixin before ConsoleModelAdmin; see the module."""

    def get_urls(self) -> list[Any]:
        return [
            self._exchange_pattern("export/", "export", FORM, self.export_view),
            self._exchange_pattern("export/regularly/", "export", WRITE, self.schedule_view),
            *super().get_urls(),
        ]

    def exchange_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [*super().exchange_tools(request), *self.tool(request, "export", _("Export"), "download")]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """GET says what would leave; POST sends the rows of the list with its present filters, or has them written."""
        resource = self.resource_class(request.actor)
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self._address("export"))
        count = estimated_rows(resource, rows, most=COUNT_LIMIT)
        form = ExportForm(
            request.POST or None, request=request, shown=self.shown_columns(request), all_columns=resource.exports
        )
        if request.method == "POST" and form.is_valid():
            return self._leave(request, resource, rows, count, form.cleaned_data)
        context = {
            "form": form, "limit": REQUEST_LIMIT, "count": count, "is_more": count > COUNT_LIMIT,
            "most": COUNT_LIMIT, "query": request.GET.urlencode(), "filters": _told(request.GET),
            "schedule_form": ScheduleForm(request=request, zone=resource.zone()),
            "schedule_url": f"{self._address('export_regularly')}?{request.GET.urlencode()}",
            "runs_url": reverse("admin:exports_exportrun_changelist"),
        }  # fmt: skip
        return self._exchange_page(request, "console/export.html", _("Export"), context)

    def schedule_view(self, request: HttpRequest) -> HttpResponse:
        """Have what the list shows sent regularly, as a link, to the person who asks."""
        resource = self.resource_class(request.actor)
        back = HttpResponseRedirect(f"{self._address('export')}?{request.GET.urlencode()}")
        form = ScheduleForm(request.POST, request=request, zone=resource.zone())
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
            return back
        try:
            wanted = self._wanted(request, form.cleaned_data["format"], self.shown_columns(request))
            made = schedule_export(_person(request), request.actor, wanted, **form.timing(), time_zone=resource.zone())
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
            return back
        messages.success(request, _("You get a mail with a link each time. Pause or delete it here."))
        return HttpResponseRedirect(reverse("admin:exports_scheduledexport_change", args=[made.pk]))

    def shown_columns(self, request: HttpRequest) -> tuple[str, ...]:
        """The export's columns that stand for those of the list as this person sees it."""
        names = [name for name in self.get_list_display(request) if isinstance(name, str)]
        named = [getattr(name, "__name__", "") for name in self.get_list_display(request) if callable(name)]
        return self.resource_class.shown_columns([*names, *named])

    def _leave(
        self, request: HttpRequest, resource: ConsoleResource, rows: models.QuerySet, count: int, chosen: dict[str, Any]
    ) -> HttpResponse:
        columns = self.shown_columns(request) if chosen["columns"] == "shown" else ()
        try:
            if count > REQUEST_LIMIT:
                return self._start(request, chosen["format"], columns, count)
            form = FORMATS[chosen["format"]]()
            content = run_export(
                resource, form, rows=rows, columns=columns, filters=told_filters(_kept(request.GET)),
            )  # fmt: skip
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
            return HttpResponseRedirect(request.get_full_path())
        return download(form, content, f"{resource.name}-{clock.today(resource.zone()):%Y-%m-%d}")

    def _start(self, request: HttpRequest, name: str, columns: tuple[str, ...], count: int) -> HttpResponse:
        wanted = self._wanted(request, name, columns)
        run = request_run(_person(request), request.actor, wanted, rows_expected=count)
        messages.success(request, _("The export is being written. You get a mail when it is ready."))
        return HttpResponseRedirect(reverse("admin:exports_exportrun_change", args=[run.pk]))

    def _wanted(self, request: HttpRequest, name: str, columns: tuple[str, ...]) -> Wanted:
        resource = self.resource_class
        return Wanted(
            resource.name, resource.permission("export"), _kept(request.GET).urlencode(), list(columns), name
        )  # fmt: skip


def declare_lists(admins: Any) -> None:
    """Let work in the background read the lists of these admin classes that can be exported."""
    for admin in admins:
        if isinstance(admin, ConsoleExport):
            declare_list(admin.resource_class.name, partial(read_list, admin))


def read_list(admin: Any, user: Any, actor: Actor, query: str) -> models.QuerySet:
    """What the list of `admin` shows to `user`, acting as `actor`, under the filters in `query`. DomainError
    `export_filter_invalid`."""
    request = HttpRequest()
    request.method, request.path = "GET", admin.list_url()
    request.GET = _kept(QueryDict(query))  # type: ignore[assignment]  # -- a copy may be changed, and nobody does
    user.actor = actor
    request.user, request.actor = user, actor
    try:
        return admin.get_changelist_instance(request).queryset
    except (IncorrectLookupParameters, DisallowedModelAdminLookup):
        raise DomainError("export_filter_invalid") from None


def _person(request: HttpRequest) -> User:
    """Who asks; the console lets only people in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _kept(query: QueryDict) -> QueryDict:
    """The filters without what only says which page is looked at."""
    kept = query.copy()
    for name in _OF_THE_PAGE:
        kept.pop(name, None)
    return kept


def _told(query: QueryDict) -> list[tuple[str, str]]:
    return [(name.split("__")[0], ", ".join(values)) for name, values in _kept(query).lists() if any(values)]
