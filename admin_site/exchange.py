"""Import and export pages of a list, over a ConsoleResource.

    @console_register(Enrollment)
    class EnrollmentAdmin(ConsoleImportExport, ConsoleModelAdmin):
        resource_class = EnrollmentResource

Import needs `<app>.import_<model>`, export `<app>.export_<model>`. An upload is judged row by row and shown before
anything is written; it waits sealed for an hour and only its uploader can confirm it, once, with the same outcome.
"""

from __future__ import annotations

from typing import Any

import tablib
from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from admin_site.actions import dress
from admin_site.proof import ProofForm
from core import clock
from core.errors import DomainError
from organizations.models import Organization
from resources.base import ConsoleResource
from resources.exporting import REQUEST_LIMIT, run_export
from resources.formats import LIMITS, SafeCSV, SafeFormat
from resources.importing import FORMATS, ImportReport, run_import
from resources.staging import close, stage, take

ROW_LIMIT = 2_000
SHOWN_ROWS = 200
_SALT = "console.import"
_READ, _WRITE = frozenset({"GET", "HEAD"}), frozenset({"POST"})
_FORM = _READ | _WRITE


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


class ExportForm(ProofForm):
    """Which format leaves."""

    format = forms.ChoiceField(choices=[("csv", "CSV"), ("xlsx", "Excel (.xlsx)")], label=_("Format"))

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        dress(self.fields["format"])
        self.ask_for_proof()


class ConsoleImportExport:
    """Mixin before ConsoleModelAdmin; see the module."""

    resource_class: type[ConsoleResource]

    def get_urls(self) -> list[Any]:
        return [
            self._exchange_pattern("import/", "import", _FORM, self.import_view),
            self._exchange_pattern("import/example/", "import", _READ, self.example_view),
            self._exchange_pattern("import/confirm/", "import", _WRITE, self.confirm_view),
            self._exchange_pattern("export/", "export", _FORM, self.export_view),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        tools = []
        for verb, title, icon in (("import", _("Import"), "upload"), ("export", _("Export"), "download")):
            if self.resource_class.allowed(request.actor, verb):
                query = f"?{request.GET.urlencode()}" if verb == "export" and request.GET else ""
                tools.append({"title": title, "icon": icon, "url": self._address(verb) + query})
        return super().changelist_view(request, {"exchange_tools": tools, **(extra_context or {})})

    # --- import -----------------------------------------------------------------------------------------------------
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a file; POST judges it and shows what it would do. Nothing but the sealed upload is written."""
        organizations = self.resource_class.organizations(request.actor)
        form = UploadForm(request.POST or None, request.FILES or None, organizations=organizations)
        if request.method != "POST" or not form.is_valid():
            return self._exchange_page(request, "console/import.html", _("Import"), {"form": form})
        content, home = form.cleaned_data["file"].read(), form.cleaned_data["organization"]
        return self._preview(request, content, form.cleaned_data["file"].name, home, form)

    def _preview(self, request: HttpRequest, content: bytes, name: str, home: Organization, form: Any) -> HttpResponse:
        try:
            report = self._run(request, content, name, home, dry_run=True)
        except DomainError as refusal:
            form.add_error("file", f"{refusal} [{refusal.code}]")
            return self._exchange_page(request, "console/import.html", _("Import"), {"form": form})
        upload = stage(content, name=name, resource=self.resource_class.name, actor=request.actor, organization=home.pk)
        return self._preview_page(request, report, upload)

    def _preview_page(self, request: HttpRequest, report: ImportReport, upload: Any) -> HttpResponse:
        token = signing.dumps([str(upload.pk), upload.sha256, report.snapshot], salt=_SALT)
        context = {
            "report": report, "token": token, "file_name": upload.name, "shown": report.outcomes[:SHOWN_ROWS],
            "hidden_rows": max(0, len(report.outcomes) - SHOWN_ROWS), "organization": upload.organization,
        }  # fmt: skip
        return self._exchange_page(request, "console/import_preview.html", _("Check before anything is saved"), context)

    def confirm_view(self, request: HttpRequest) -> HttpResponse:
        """Write exactly what the preview showed, or hand out the refused rows as a file."""
        try:
            upload_id, sha256, snapshot = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=3600)
            upload = take(upload_id, resource=self.resource_class.name, sha256=sha256, actor=request.actor)
            home = upload.row.organization
            if "errors" in request.POST:
                return self._error_file(self._run(request, upload.content, upload.row.name, home, dry_run=True))
            report = self._run(
                request, upload.content, upload.row.name, home, dry_run=False, number=upload.row.pk, snapshot=snapshot
            )
        except signing.BadSignature:
            return self._refused(request, DomainError("import_expired"))
        except DomainError as refusal:
            return self._refused(request, refusal)
        if not report.applied:
            return self._preview_page(request, report, upload.row)
        close(upload)
        messages.success(
            request, _("Imported: %(created)s new, %(updated)s changed, %(skipped)s unchanged.") % report.counts
        )
        return HttpResponseRedirect(self.list_url())

    def example_view(self, request: HttpRequest) -> HttpResponse:
        """A file with every column and allowed values."""
        organizations = list(self.resource_class.organizations(request.actor)[:2])
        resource = self.resource_class(request.actor, organizations[0] if len(organizations) == 1 else None)
        table = tablib.Dataset(headers=list(resource.writable))
        for row in resource.examples():
            table.append([row.get(column, "") for column in resource.writable])
        return _download(SafeCSV(bom=True), SafeCSV(bom=True).export_data(table), f"{resource.name}-example")

    def _run(
        self, request: HttpRequest, content: bytes, name: str, home: Any, *, dry_run: bool, number: Any = None,
        snapshot: str = "",
    ) -> ImportReport:  # fmt: skip
        return run_import(
            self.resource_class(request.actor, home), content, name=name, dry_run=dry_run, import_id=number,
            row_limit=ROW_LIMIT, expected_snapshot=snapshot,
        )  # fmt: skip

    def _error_file(self, report: ImportReport) -> HttpResponse:
        table = tablib.Dataset(headers=["row", "column", "code", "reason"])
        for error in report.errors:
            table.append([error.row, error.column, error.code, error.sentence])
        return _download(SafeCSV(bom=True), SafeCSV(bom=True).export_data(table), f"{self.resource_class.name}-refused")

    def _refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        messages.error(request, f"{refusal} [{refusal.code}]")
        return HttpResponseRedirect(self._address("import"))

    # --- export -----------------------------------------------------------------------------------------------------
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
        return _download(form, content, f"{resource.name}-{clock.today():%Y-%m-%d}")

    # --- shared -----------------------------------------------------------------------------------------------------
    def _address(self, page: str) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name(page)}")

    def _exchange_pattern(self, address: str, verb: str, methods: frozenset[str], view: Any) -> Any:
        """An address that asks for the permission and the method before its page."""

        def checked(request: HttpRequest) -> HttpResponse:
            if not self.resource_class.allowed(request.actor, verb):
                raise PermissionDenied
            return view(request) if request.method in methods else HttpResponseNotAllowed(sorted(methods))

        name = address.strip("/").replace("/", "_")
        return path(address, self._guarded(checked), name=self.address_name(name))

    def _exchange_page(self, request: HttpRequest, template: str, title: Any, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        own = {
            "title": title, "opts": self.opts, "model_admin": self, "back": self.list_url(),
            "required": self.resource_class.required, "writable": self.resource_class.writable,
            "confirm_url": self._address("import_confirm"), "example_url": self._address("import_example"),
            "row_limit": ROW_LIMIT,
        }  # fmt: skip
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **own, **context})


def _download(form: SafeFormat, content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.name}"'
    response["Cache-Control"] = "no-store"
    return response
