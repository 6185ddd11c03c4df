"""Exports in the background and exports that repeat: what is under way, what is ready, what comes again."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from core.errors import DomainError
from exports.enums import ExportStatus, ScheduleStatus
from exports.models import ExportRun, ScheduledExport
from exports.services.downloads import download_guard
from exports.services.runs import cancel_run
from exports.services.schedules import end_schedule, pause_schedule, resume_schedule
from files.links import signed_link
from organizations.backends import allows


class OwnRows(ConsoleModelAdmin):
    """Everybody sees their own rows; whoever may oversee them, those of the organization too."""

    read_only = True

    def get_queryset(self, request):
        mine = Q(person_id=request.actor.user_id)
        overseen = self.model.objects.permitted_to(request.actor, self.permission("oversee")).values("pk")
        rows = self.model.objects.visible_to(request.actor).filter(mine | Q(pk__in=overseen))
        return rows.order_by(*self.ordering)

    def has_view_permission(self, request, obj=None):
        if obj is not None and obj.person_id == request.actor.user_id:
            return self.has_verb(request, "view")
        return self.has_verb(request, "view" if obj is None else "oversee", obj)

    @display(description=_("what"), ordering="resource")
    def what(self, row):
        return row.resource.replace("-", " ").capitalize()

    @display(description=_("filters"))
    def filters(self, row):
        told = [(name.split("__")[0], ", ".join(values)) for name, values in QueryDict(row.query).lists()]
        return "; ".join(f"{name}: {value}" for name, value in told if value) or _("None")

    @display(description=_("columns"))
    def chosen(self, row):
        return ", ".join(row.columns) or _("All columns")


@console_register(ExportRun)
class ExportRunAdmin(OwnRows):
    list_display = ("created_at", "what", status_pill, "progress_shown", "format", "person", "until")
    list_filter = ("status", ("organization", ScopedRelatedFilter))
    list_select_related = ("person", "file")
    search_fields = ("resource__istartswith", "sha256__exact")
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("what", "filters", "chosen", "format", "person", "schedule")}),
        (_("The file"), {"fields": ("rows_done", "bytes_shown", "until", "refusal", "finished_at", "sha256")}),
    )
    readonly_fields = ("what", "filters", "chosen", "bytes_shown", "until", "refusal")
    change_form_outer_before_template = "console/exports/run.html"
    empty_state = _("No export yet. Open a list, filter it and press Export; above 2,000 rows the export appears here.")

    @display(description=_("rows"), ordering="rows_done")
    def progress_shown(self, run):
        if run.status == ExportStatus.QUEUED and run.rows_expected:
            return format_html(
                '<progress class="console-progress" max="100" value="{}">{} %</progress>', run.percent, run.percent
            )
        return f"{run.rows_done:,}" if run.status in (ExportStatus.DONE, ExportStatus.EXPIRED) else ""

    @display(description=_("size"), ordering="size")
    def bytes_shown(self, run):
        return filesizeformat(run.size) if run.size else ""

    @display(description=_("kept until"))
    def until(self, run):
        return run.file.expires_at if run.file_id else ""

    @display(description=_("refused"))
    def refusal(self, run):
        return str(DomainError(run.failure)) if run.failure else ""

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context |= self._state(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _state(self, request, run):
        return {"run": run, "refused": download_guard(run, request.actor), "model_admin": self}

    @console_view("progress/", permission="exports.view_exportrun")
    def progress(self, request, run):
        """How far the export is, for the page to ask again; when it has ended, the page is loaded anew."""
        if run.status != ExportStatus.QUEUED:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return TemplateResponse(request, "console/exports/progress.html", self._state(request, run))

    @console_view("download/", permission="exports.view_exportrun")
    def download(self, request, run):
        """The file, through a link that is good for 15 minutes; the rights are asked again here and there."""
        refusal = download_guard(run, request.actor)
        if refusal is not None:
            self.message_user(request, f"{refusal} [{refusal.code}]", level="error")
            return HttpResponseRedirect(self.record_url(run))
        return HttpResponseRedirect(signed_link(run.file, request.user))

    @post_action(
        permission="exports.cancel_exportrun",
        title=_("Cancel"),
        confirm=_("What was written so far is thrown away."),
        states={ExportStatus.QUEUED},
        icon="block",
        danger=True,
        lock=False,
    )
    def cancel(self, request, run):
        cancel_run(run)
        return _("The export is cancelled.")

    @staticmethod
    def may(request, permission, row=None):
        """The owner of a row needs the right only somewhere."""
        own = row is not None and row.person_id == request.actor.user_id
        return allows(request.actor, permission, None if own else row)


@console_register(ScheduledExport)
class ScheduledExportAdmin(OwnRows):
    list_display = ("what", "frequency", "moment", status_pill, "next_at", "person")
    list_filter = ("status", ("organization", ScopedRelatedFilter))
    list_select_related = ("person",)
    search_fields = ("resource__istartswith",)
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("what", "filters", "chosen", "format", "person")}),
        (_("When"), {"fields": ("frequency", "moment", "next_at", "status", "refusal")}),
    )
    readonly_fields = ("what", "filters", "chosen", "moment", "refusal")
    empty_state = _("Nothing is sent regularly. Open a list, press Export and choose how often.")

    @display(description=_("moment"))
    def moment(self, schedule):
        return f"{schedule.hour:02}:00 {schedule.time_zone.replace('_', ' ')}"

    @display(description=_("stopped because"))
    def refusal(self, schedule):
        return str(DomainError(schedule.stopped_because)) if schedule.stopped_because else ""

    @post_action(
        permission="exports.change_scheduledexport",
        title=_("Pause"),
        confirm=_("Nothing is sent until it is resumed."),
        states={ScheduleStatus.ACTIVE},
        icon="pause",
        lock=False,
    )
    def pause(self, request, schedule):
        pause_schedule(schedule)
        return _("The scheduled export is paused.")

    @post_action(
        permission="exports.change_scheduledexport",
        title=_("Resume"),
        confirm=_("It goes on with the next day and hour it is set to."),
        states={ScheduleStatus.PAUSED, ScheduleStatus.STOPPED},
        icon="play_arrow",
        lock=False,
    )
    def resume(self, request, schedule):
        resume_schedule(schedule)
        return _("The scheduled export goes on.")

    @post_action(
        permission="exports.change_scheduledexport",
        title=_("Delete"),
        confirm=_("It never runs again. Files it left stay until they expire."),
        states={ScheduleStatus.ACTIVE, ScheduleStatus.PAUSED, ScheduleStatus.STOPPED},
        icon="delete",
        danger=True,
        lock=False,
    )
    def end(self, request, schedule):
        end_schedule(schedule)
        return _("The scheduled export is deleted.")
