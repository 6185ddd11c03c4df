"""The first steps of an import, at the list it is for: choose a file, say what its columns mean.

What follows (the preview, the writing, the way back) is a page of the run itself: `admin_site.admin.imports`.
"""

from __future__ import annotations

from typing import Any

import tablib
from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from admin_site.actions import dress
from admin_site.exchange_pages import FORM, READ, ExchangePages, download
from core.errors import DomainError
from imports.models import ImportRun
from imports.services.runs import open_run, remembered_columns
from organizations.models import Organization
from resources.formats import LIMITS, SafeCSV
from resources.headers import guess_columns
from resources.importing import begin_check, open_table
from resources.sets import WrittenInSets
from resources.staging import stage
from resources.writing import CHUNK


class UploadForm(forms.Form):
    """A file, and for whom, where the person may import for several organizations."""

    organization = forms.ModelChoiceField(Organization.objects.none(), label=_("For"))
    file = forms.FileField(label=_("File"), help_text=_("CSV (UTF-8) or Excel (.xlsx)."))

    def __init__(self, *args: Any, organizations: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        field.queryset = organizations
        found = list(organizations[:2])
        if len(found) == 1:
            field.initial, field.required, field.widget = found[0], False, forms.HiddenInput()
        self.only = found[0] if len(found) == 1 else None
        for bound in self.fields.values():
            dress(bound)

    def clean_organization(self) -> Organization | None:
        return self.only or self.cleaned_data["organization"]

    def clean_file(self) -> Any:
        """The declared size is checked before a byte is read."""
        upload = self.cleaned_data["file"]
        if upload.size > LIMITS.bytes:
            refusal = DomainError("import_file_too_large", limit=LIMITS.bytes // (1024 * 1024))
            raise forms.ValidationError(str(refusal), code=refusal.code)
        return upload


class ConsoleImport(ExchangePages):
    """Mixin before ConsoleModelAdmin; see the module."""

    def get_urls(self) -> list[Any]:
        return [
            self._exchange_pattern("import/", "import", FORM, self.import_view),
            self._exchange_pattern("import/example/", "import", READ, self.example_view),
            *super().get_urls(),
        ]

    def exchange_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        return [*self.tool(request, "import", _("Import"), "upload"), *super().exchange_tools(request)]

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a file; POST keeps it sealed and goes on: to the check where every column is clear, to the
        question what the columns mean where not. No record is written."""
        organizations = self.resource_class.organizations(request.actor)
        form = UploadForm(request.POST or None, request.FILES or None, organizations=organizations)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    return HttpResponseRedirect(self._begin(request, form.cleaned_data))
            except DomainError as refusal:
                form.add_error("file", f"{refusal} [{refusal.code}]")
        context = {
            "form": form, "writable": self.resource_class.writable, "required": self.resource_class.required,
            "example_url": self._address("import_example"), "row_limit": self.resource_class.row_limit,
            "about_known": self.resource_class.about_known, "in_sets": issubclass(self.resource_class, WrittenInSets),
            "chunk": CHUNK,
            "runs_url": f"{reverse(f'{self.admin_site.name}:imports_importrun_changelist')}"
                        f"?resource={self.resource_class.name}",
        }  # fmt: skip
        return self._exchange_page(request, "console/imports/upload.html", _("Import"), context)

    def _begin(self, request: HttpRequest, data: dict[str, Any]) -> str:
        """Keep the file and open its run; the address of the next step."""
        name, home, resource = data["file"].name, data["organization"], self.resource_class(request.actor, None)
        content = data["file"].read()
        headers = open_table(content, name).headers
        columns = guess_columns(resource, headers, remembered_columns(request.actor, home, resource.name))
        upload = stage(content, name=name, resource=resource.name, actor=request.actor, organization=home.pk)
        run = open_run(upload, home, columns={header: columns.get(header, "") for header in headers})
        clear = len(columns) == len(headers) and set(resource.required) <= set(columns.values())
        if not clear:
            return run_address(self.admin_site.name, run, "columns")
        begin_check(self.resource_class(request.actor, home), run, content)
        return run_address(self.admin_site.name, run, "row_list")

    def example_view(self, request: HttpRequest) -> HttpResponse:
        """A file with every column and allowed values."""
        organizations = list(self.resource_class.organizations(request.actor)[:2])
        resource = self.resource_class(request.actor, organizations[0] if len(organizations) == 1 else None)
        table = tablib.Dataset(headers=list(resource.writable))
        for row in resource.examples():
            table.append([row.get(column, "") for column in resource.writable])
        return download(SafeCSV(bom=True), SafeCSV(bom=True).export_data(table), f"{resource.name}-example")


def run_address(site: str, run: ImportRun, page: str) -> str:
    """The address of a page of a run."""
    return reverse(f"{site}:imports_importrun_{page}", args=[run.pk])
