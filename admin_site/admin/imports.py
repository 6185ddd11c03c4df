"""Imports: what each row would do, the uploader's word, how far it is, what became of it, and the way back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.exchange_pages import download
from admin_site.import_pages import ColumnsForm, RowsPage, refused_table
from admin_site.imports import run_address
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import state_pill
from admin_site.register import console_register
from core.errors import DomainError
from imports.enums import AT_WORK, CANCELLABLE, UNDOABLE, RunState
from imports.models import ImportRun
from imports.services.runs import cancel_run, only_uploader, refuse_unless, remember_columns
from organizations.guards import refuse
from resources.catalogue import RESOURCES
from resources.formats import SafeCSV
from resources.headers import folded
from resources.importing import begin_check, confirm, resource_of
from resources.sets import WrittenInSets
from resources.staging import take
from resources.writing import begin_undo

VIEW = "imports.view_importrun"
REFRESH_SECONDS = 3
_SALT = "console.import"


def _can_be_undone(run: ImportRun) -> DomainError | None:
    if not issubclass(RESOURCES[run.resource], WrittenInSets):
        return DomainError("import_undo_not_offered")
    return None if run.created + run.updated else DomainError("import_nothing_to_undo")


@console_register(ImportRun)
class ImportRunAdmin(ConsoleModelAdmin):
    list_display = (
        "file_name", "what", state_pill, "rows", "created", "updated", "skipped", "failed", "organization", "person",
        "created_at",
    )  # fmt: skip
    list_filter = ("state", "resource", ("organization", ScopedRelatedFilter))
    list_select_related = ("organization", "person")
    search_fields = ("file_name__istartswith", "id__exact")
    ordering = ("-created_at", "id")
    fields = (
        "file_name", "what", "state", "organization", "person", "rows", "created", "updated", "skipped", "failed",
        "created_at", "confirmed_at", "finished_at", "undone_at", "sha256",
    )  # fmt: skip
    read_only = True
    status_field = "state"
    empty_state = _("No file was imported yet. Choose “Import” above the list of enrollments, payments or numbers.")

    @display(description=_("what"), ordering="resource")
    def what(self, run):
        return str(RESOURCES[run.resource].model._meta.verbose_name_plural).capitalize()

    # --- pages ------------------------------------------------------------------------------------------------------
    @console_view("columns/", permission=VIEW, methods=("GET", "HEAD", "POST"))
    def columns(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        """Which column of the file is which of ours. Remembered for the next file."""
        try:
            only_uploader(run, request.actor)
            refuse_unless(run, RunState.UPLOADED)
            upload = take(str(run.upload_id), resource=run.resource, sha256=run.sha256, actor=request.actor)
            form = ColumnsForm(request.POST or None, resource=resource_of(run, request.actor), run=run, upload=upload)
            if request.method == "POST" and form.is_valid():
                return self._checked(request, run, form, upload.content)
        except DomainError as refusal:
            return self._refused(request, run, refusal)
        return self._page(request, "console/imports/columns.html", _("What the columns mean"), run, {"form": form})

    def _checked(self, request: HttpRequest, run: ImportRun, form: ColumnsForm, content: bytes) -> HttpResponse:
        meant = form.meant()
        remember_columns(
            request.actor, run.organization, run.resource, {folded(header): name for header, name in meant.items()}
        )
        run.columns = meant
        run.save(update_fields=["columns", "updated_at"])
        try:
            with transaction.atomic():
                begin_check(resource_of(run, request.actor), run, content)
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
            return HttpResponseRedirect(run_address(self.admin_site.name, run, "columns"))
        return HttpResponseRedirect(run_address(self.admin_site.name, run, "row_list"))

    @console_view("rows/", permission=VIEW, title=_("Rows"), icon="table_rows")
    def row_list(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        """Before the word: what each row would do. While it runs: how far it is. Afterwards: what became of each."""
        if run.state == RunState.UPLOADED and run.person_id == request.actor.user_id:
            return HttpResponseRedirect(run_address(self.admin_site.name, run, "columns"))
        page = RowsPage(run, request.actor, outcome=request.GET.get("outcome", ""), after=request.GET.get("after", ""))
        own = run.person_id == request.actor.user_id
        asks = run.state == RunState.CHECKED and own
        context = {
            "page": page, "asks": asks, "is_uploader": own, "at_work": run.state in AT_WORK,
            "token": signing.dumps([str(run.pk), run.sha256, run.snapshot], salt=_SALT) if asks else "",
            "refusal": page.refusal, "list_url": self._list_of(run),
        }  # fmt: skip
        answer = self._page(request, "console/imports/rows.html", self._title(run), run, context)
        if run.state in AT_WORK:
            answer["Refresh"] = str(REFRESH_SECONDS)
        return answer

    @console_view("confirm/", permission=VIEW, methods=("POST",))
    def confirm(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        """The uploader's word: exactly what the preview showed is written, or nothing."""
        try:
            pk, sha256, snapshot = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=3600)
            refuse(DomainError("import_expired") if [pk, sha256] != [str(run.pk), run.sha256] else None)
            with transaction.atomic():
                confirm(resource_of(run, request.actor), run, snapshot=snapshot, leave_out="leave_out" in request.POST)
        except signing.BadSignature:
            return self._refused(request, run, DomainError("import_expired"))
        except DomainError as refusal:
            return self._refused(request, run, refusal)
        return HttpResponseRedirect(run_address(self.admin_site.name, run, "row_list"))

    @console_view("refused/", permission=VIEW)
    def refused(self, request: HttpRequest, run: ImportRun) -> HttpResponse:
        """The refused rows as a file, with reasons; with the cells as they were uploaded, for the uploader and for a
        day only."""
        content = SafeCSV(bom=True).export_data(refused_table(run, request.actor))
        return download(SafeCSV(bom=True), content, f"{run.resource}-refused")

    # --- acts -------------------------------------------------------------------------------------------------------
    @post_action(
        permission="imports.cancel_importrun",
        title=_("Cancel"),
        confirm=_("No further row is written. Rows that are written already stay until you undo the import."),
        states=CANCELLABLE,
        state_field="state",
        icon="cancel",
        danger=True,
        lock=False,
    )
    def cancel(self, request, run):
        cancel_run(run)
        return _("The import is cancelled.")

    @post_action(
        permission="imports.undo_importrun",
        title=_("Undo"),
        confirm=_(
            "Everything this file brought is taken back, as long as nobody changed or used it since. Lists are as they "
            "were before; history and evidence keep what was there."
        ),
        states=UNDOABLE,
        state_field="state",
        available=_can_be_undone,
        icon="undo",
        danger=True,
        lock=False,
    )
    def undo(self, request, run):
        done = begin_undo(resource_of(run, request.actor), run)
        return _("The import is undone.") if done.state == RunState.UNDONE else _("The import is being undone.")

    # --- shared -----------------------------------------------------------------------------------------------------
    def _list_of(self, run: ImportRun) -> str:
        meta = RESOURCES[run.resource].model._meta
        return reverse(f"{self.admin_site.name}:{meta.app_label}_{meta.model_name}_changelist")

    def _title(self, run: ImportRun) -> Any:
        if run.state == RunState.CHECKED:
            return _("Check before anything is saved")
        return _("Import of %(file)s") % {"file": run.file_name}

    def _refused(self, request: HttpRequest, run: ImportRun, refusal: DomainError) -> HttpResponse:
        messages.error(request, f"{refusal} [{refusal.code}]")
        return HttpResponseRedirect(self.record_url(run))

    def _page(
        self, request: HttpRequest, template: str, title: Any, run: ImportRun, context: dict[str, Any]
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        own = {
            "title": title, "opts": self.opts, "model_admin": self, "run": run, "original": run,
            "back": self._list_of(run), "what": self.what(run), "record_url": self.record_url(run),
            "addresses": {
                page: run_address(self.admin_site.name, run, page)
                for page in ("row_list", "confirm", "refused", "columns")
            },
            "cancel_url": reverse(f"{self.admin_site.name}:{self.address_name('do', 'cancel')}", args=[run.pk]),
            "undo_url": reverse(f"{self.admin_site.name}:{self.address_name('do', 'undo')}", args=[run.pk]),
            "can_undo": run.state in UNDOABLE and _can_be_undone(run) is None
                        and self.may(request, "imports.undo_importrun", run),
            "can_cancel": run.state in CANCELLABLE and self.may(request, "imports.cancel_importrun", run),
            "runs_url": self.list_url(),
        }  # fmt: skip
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **own, **context})
