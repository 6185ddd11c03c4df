"""Background work: what waits, what failed for good, and the two things a person may do about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from admin_site.actions import post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import state_pill
from admin_site.register import console_register
from jobs.enums import JobState
from jobs.models import Job, ScheduleSlot, WorkerHeartbeat
from jobs.services import cancel_job, rerun_job


@console_register(Job)
class JobAdmin(ConsoleModelAdmin):
    list_display = ("kind", state_pill, "subject_type", "attempts", "not_before", "created_at")
    list_filter = ("state", ("organization", ScopedRelatedFilter))
    search_fields = ("kind__istartswith", "subject_id__exact", "correlation_id__exact")
    ordering = ("-created_at", "id")
    fields = (
        "kind", "state", "organization", "subject_type", "subject_id", "attempts", "max_attempts", "not_before",
        "started_at", "finished_at", "last_error", "result", "dedupe_key", "correlation_id", "created_at",
    )  # fmt: skip
    read_only = True
    status_field = "state"
    empty_state = _("No work is recorded here. Jobs appear when something is to be done in the background.")

    @post_action(
        permission="jobs.rerun_job",
        title=_("Run again"),
        confirm=_("The job gets a new round of attempts under its unchanged key: what it already did is not repeated."),
        reason=True,
        states={JobState.PARKED},
        state_field="state",
        icon="replay",
        row=True,
        bulk=True,
    )
    def rerun(self, request, job, *, reason):
        rerun_job(job, reason=reason)
        return _("The job waits for its turn.")

    @post_action(
        permission="jobs.cancel_job",
        title=_("Give up"),
        confirm=_("The job will never run. Its record stays."),
        reason=True,
        states={JobState.READY, JobState.PARKED},
        state_field="state",
        icon="block",
        danger=True,
        bulk=True,
    )
    def cancel(self, request, job, *, reason):
        cancel_job(job, reason=reason)
        return _("The job is given up.")


@console_register(ScheduleSlot)
class ScheduleSlotAdmin(ConsoleModelAdmin):
    list_display = ("schedule", "slot", "fired_at")
    search_fields = ("schedule__istartswith",)
    fields = ("schedule", "slot", "fired_at")
    read_only = True


@console_register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(ConsoleModelAdmin):
    list_display = ("worker", "beat_at", "started_at")
    fields = ("worker", "beat_at", "started_at")
    read_only = True
