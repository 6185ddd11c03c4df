"""Import and export pages of a list, over a ConsoleResource.

    @console_register(Enrollment)
    class EnrollmentAdmin(ConsoleImportExport, ConsoleModelAdmin):
        resource_class = EnrollmentResource

Import needs `<app>.import_<model>` and is `admin_site.imports`; export needs `<app>.export_<model>`.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from admin_site.actions import dress
from admin_site.exchange_pages import FORM, ExchangePages, download
from admin_site.imports import ConsoleImport
from admin_site.proof import ProofForm
from core import clock
from core.errors import DomainError
from resources.base import ConsoleResource
from resources.exporting import REQUEST_LIMIT, run_export
from resources.importing import FORMATS


class ExportForm(ProofForm):
    """Which format leaves."""

    format = forms.ChoiceField(choices=[("csv", "CSV"), ("xlsx", "Excel (.xlsx)")], label=_("Format"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        dress(self.fields["format"])
        self.ask_for_proof()


class ConsoleExport(ExchangePages):
    """Mixin before ConsoleModelAdmin; see the module."""

    def get_urls(self) -> list[Any]:
        return [self._exchange_pattern("export/", "export", FORM, self.export_view), *super().get_urls()]

    def exchange_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [*super().exchange_tools(request), *self.tool(request, "export", _("Export"), "download")]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """GET says what would leave; POST sends the rows of the list with its present filters."""
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self._address("export"))
        form = ExportForm(request.POST or None, request=request)
        resource = self.resource_class(request.actor)
        if request.method == "POST" and form.is_valid():
            return self._send(request, resource, rows, form.cleaned_data["format"])
        wanted = resource.get_queryset("export").filter(pk__in=rows.order_by().values("pk"))
        count = wanted.order_by()[: REQUEST_LIMIT + 1].count()
        context = {
            "form": form, "columns": resource.exports, "limit": REQUEST_LIMIT, "count": count,
            "query": request.GET.urlencode(),
        }  # fmt: skip
        return self._exchange_page(request, "console/export.html", _("Export"), context)

    def _send(self, request: HttpRequest, resource: ConsoleResource, rows: Any, name: str) -> HttpResponse:
        form = next(form for form in FORMATS if form.name == name)()
        # What was searched for may be a name: the evidence keeps that there was a search, not the words.
        filters = {key: "…" if key == "q" else values for key, values in request.GET.lists()}
        try:
            content = run_export(resource, form, rows=rows, filters=filters)
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
            return HttpResponseRedirect(request.get_full_path())
        return download(form, content, f"{resource.name}-{clock.today():%Y-%m-%d}")


class ConsoleImportExport(ConsoleImport, ConsoleExport):
    """Mixin before ConsoleModelAdmin; see the module."""
