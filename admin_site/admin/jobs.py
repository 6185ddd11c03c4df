"""Background work: what runs, how far it is, what failed for good, and what a person may do about it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import BULK_LIMIT, console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import state_pill
from admin_site.register import console_register
from core.errors import DomainError
from jobs.enums import OPEN_STATES, JobState
from jobs.models import Downtime, Job, ScheduleSlot, WorkerHeartbeat
from jobs.services import cancel_job, rehearse_job, rerun_job, subject_is_gone
from tasks.vitals import vitals

LINES_SHOWN = 50


def _about(job: Job) -> dict[str, str]:
    """The record that a job is about: what to call it, and its page where the console has one."""
    if not job.subject_type:
        return {}
    try:
        name = str(apps.get_model(job.subject_type)._meta.verbose_name)
        address = reverse(f"admin:{job.subject_type.replace('.', '_')}_change", args=[job.subject_id])
    except LookupError:
        return {"name": job.subject_type, "url": ""}
    except NoReverseMatch:
        return {"name": name, "url": ""}
    return {"name": name, "url": address}


def _subject_present(job: Job) -> DomainError | None:
    return DomainError("job_subject_gone") if subject_is_gone(job) else None


@console_register(Job)
class JobAdmin(ConsoleModelAdmin):
    list_display = ("kind", state_pill, "subject_type", "attempts", "not_before", "created_at")
    list_filter = ("state", ("organization", ScopedRelatedFilter))
    search_fields = ("kind__istartswith", "subject_id__exact", "correlation_id__exact")
    ordering = ("-created_at", "id")
    fields = (
        "kind", "state", "organization", "subject_type", "subject_id", "attempts", "max_attempts", "not_before",
        "started_at", "finished_at", "cancel_asked_at", "last_error", "result", "dedupe_key", "correlation_id",
        "created_at",
    )  # fmt: skip
    read_only = True
    status_field = "state"
    change_form_template = "console/jobs/job.html"
    list_before_template = "console/jobs/parked_link.html"
    empty_state = _("No work is recorded here. Jobs appear when something is to be done in the background.")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        job = kwargs.get("obj")
        if job is not None:
            context |= self._standing(job)
        return super().render_change_form(request, context, *args, **kwargs)

    @console_view("change/live/", permission="jobs.view_job")
    def live(self, request: HttpRequest, job: Job) -> HttpResponse:
        """Progress, log and rehearsal of one job alone, for the page to refresh itself."""
        return render(request, "console/jobs/live.html", {"original": job, **self._standing(job)})

    def _standing(self, job: Job) -> dict[str, Any]:
        rehearsal = job.rehearsals.first()
        waits = rehearsal is not None and rehearsal.done_at is None
        lines = list(job.lines.order_by("-id")[:LINES_SHOWN])[::-1]
        return {
            "progress": getattr(job, "progress", None),
            "lines": lines,
            "rehearsal": rehearsal,
            "is_live": job.state in OPEN_STATES or waits,
            "about": _about(job),
            "live_url": reverse("admin:jobs_job_live", args=[job.pk]),
            "took": job.finished_at - job.started_at if job.finished_at and job.started_at else None,
            "waited": job.started_at - job.not_before if job.started_at else None,
        }

    @console_view("parked/", permission="jobs.rerun_job", detail=False)
    def parked(self, request: HttpRequest) -> HttpResponse:
        """What failed for good, grouped by kind and error, so that one cause is decided about once."""
        rows = Job.objects.permitted_to(request.actor, "jobs.rerun_job").parked().order_by()
        groups = rows.values("kind", "last_error").annotate(
            count=Count("pk"), oldest=Min("created_at"), newest=Max("finished_at")
        )
        found = []
        for group in groups.order_by("-count", "kind")[:LINES_SHOWN]:
            same = rows.filter(kind=group["kind"], last_error=group["last_error"]).order_by("created_at", "pk")
            found.append(group | {"jobs": list(same[:BULK_LIMIT])})
        context = self.admin_site.each_context(request) | {
            "title": _("Parked jobs"), "groups": found, "opts": self.opts, "limit": BULK_LIMIT, "shown": 5,
        }  # fmt: skip
        return render(request, "console/jobs/parked.html", context)

    @post_action(
        permission="jobs.rerun_job",
        title=_("Run again"),
        confirm=_("The job gets a new round of attempts under its unchanged key: what it already did is not repeated."),
        reason=True,
        states={JobState.PARKED},
        state_field="state",
        available=_subject_present,
        icon="replay",
        row=True,
        bulk=True,
    )
    def rerun(self, request, job, *, reason):
        rerun_job(job, reason=reason)
        return _("The job waits for its turn.")

    @post_action(
        permission="jobs.rehearse_job",
        title=_("Preview the replay"),
        confirm=_(
            "The worker runs the job and rolls everything back. You see what it would write and how it would end."
            " No mail is sent, and no other system is asked."
        ),
        states={JobState.PARKED},
        state_field="state",
        icon="preview",
    )
    def rehearse(self, request, job):
        rehearse_job(job)
        return _("The preview is being made. It appears on this page.")

    @post_action(
        permission="jobs.cancel_job",
        title=_("Give up"),
        confirm=_("A waiting job will never run; a running one stops where it can without harm. Its record stays."),
        reason=True,
        states={JobState.READY, JobState.RUNNING, JobState.PARKED},
        state_field="state",
        icon="block",
        danger=True,
        bulk=True,
    )
    def cancel(self, request, job, *, reason):
        closed = cancel_job(job, reason=reason)
        if closed.state == JobState.RUNNING:
            return _("The job was asked to stop.")
        return _("The job is given up.")


@console_register(ScheduleSlot)
class ScheduleSlotAdmin(ConsoleModelAdmin):
    list_display = ("schedule", "slot", "fired_at", "outcome")
    list_select_related = ("job",)
    search_fields = ("schedule__istartswith",)
    fields = ("schedule", "slot", "fired_at", "job")
    read_only = True

    @display(description=_("job"))
    def outcome(self, slot: ScheduleSlot) -> Any:
        if slot.job is None:
            return "–"
        address = reverse("admin:jobs_job_change", args=[slot.job_id])
        return format_html('<a href="{}">{}</a>', address, slot.job.get_state_display())


@console_register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ConsoleModelAdmin):
    list_display = ("worker", "beat_at", "started_at")
    fields = ("worker", "beat_at", "started_at")
    read_only = True


@console_register(Downtime)
class DowntimeAdmin(ConsoleModelAdmin):
    list_display = ("watched", "began_at", "noticed_at", "ended_at")
    search_fields = ("watched__istartswith",)
    ordering = ("-began_at", "id")
    fields = ("watched", "began_at", "noticed_at", "ended_at")
    read_only = True
    list_before_template = "console/jobs/vitals.html"
    empty_state = _("Nothing was ever down. A line appears here when a schedule or a worker misses its time.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        seen = {"vitals": vitals()} if self.has_view_permission(request) else {}
        return super().changelist_view(request, {**seen, **(extra_context or {})})
