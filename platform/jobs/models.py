"""Background work as rows: what is to be done, for whom, how often it was tried."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from core import clock
from core.correlation import correlation_id
from core.history import history
from core.links import home_trigger
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope, ScopedManager
from jobs.enums import JOB_TRANSITIONS, JobState
from jobs.querysets import JobQuerySet

# Stands in line for all jobs without an organization.
NOBODY = UUID(int=0)


class Job(Row):
    """One durable piece of work, written in the business transaction that wants it (an outbox).

    `dedupe_key` is unique for ever and is the idempotency key of every outside effect; a re-run keeps it. `attempts`
    is committed before the work starts, so that a task which kills its worker is counted too. `queue` names the one
    worker that may run it (empty: any), `holder` the process that has it or had it last.
    """

    scope: ClassVar = Scope(organization="organization", open_insert=True)
    privacy: ClassVar = dict.fromkeys(
        (
            "kind",
            "subject_type",
            "subject_id",
            "dedupe_key",
            "params",
            "last_error",
            "result",
            "correlation_id",
            "queue",
            "holder",
        ),
        Privacy.INTERNAL,
    )
    transitions: ClassVar = {"state": JOB_TRANSITIONS}

    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, null=True, blank=True, related_name="jobs"
    )
    kind = models.CharField(_("kind"), max_length=80)
    subject_type = models.CharField(_("kind of record"), max_length=80, blank=True)
    subject_id = models.CharField(_("record"), max_length=64, blank=True)
    dedupe_key = models.CharField(_("idempotency key"), max_length=200, unique=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=JobState, default=JobState.READY)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveIntegerField(_("most attempts"), default=5)
    not_before = models.DateTimeField(_("not before"), default=clock.now)
    lease_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    result = models.TextField(_("result"), blank=True)
    correlation_id = models.CharField(_("correlation"), max_length=64, default=correlation_id, blank=True)
    queue = models.CharField(_("for the worker"), max_length=120, blank=True)
    holder = models.CharField(_("held by"), max_length=160, blank=True)
    cancel_asked_at = models.DateTimeField(_("asked to stop"), null=True, blank=True)

    objects: ClassVar = models.Manager.from_queryset(JobQuerySet)()
    history = history(excluded=("params", "queue", "holder"))

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at", "id")
        permissions = (
            ("rerun_job", "Can re-run a job"),
            ("cancel_job", "Can cancel a job"),
            ("rehearse_job", "Can rehearse a parked job"),
        )
        indexes = (
            models.Index(fields=["not_before"], name="job_open", condition=Q(state__in=["ready", "running"])),
            models.Index(
                Coalesce("organization", Value(NOBODY)),
                "not_before",
                name="job_in_line",
                condition=Q(state__in=["ready", "running"]),
            ),
            models.Index(
                fields=["queue", "not_before"],
                name="job_own_line",
                condition=Q(state__in=["ready", "running"], queue__gt=""),
            ),
            models.Index(fields=["subject_type", "subject_id"], name="job_subject"),
            models.Index(fields=["organization", "-created_at", "id"], name="job_by_organization"),
            models.Index(fields=["-created_at", "id"], name="job_newest"),
            models.Index(fields=["organization"], name="job_parked", condition=Q(state="parked")),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_state_display()})"


class JobProgress(models.Model):
    """How far a running job is, written beside its transaction so that it can be seen before the work commits."""

    scope: ClassVar = Scope.through("job")
    privacy: ClassVar = {"text": Privacy.INTERNAL}

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="progress")
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("of"), default=0)
    text = models.CharField(_("what it does"), max_length=300, blank=True)
    updated_at = models.DateTimeField(_("last sign"), default=clock.now)

    class Meta:
        verbose_name = _("progress of a job")
        verbose_name_plural = _("progress of jobs")

    def __str__(self) -> str:
        return f"{self.done}/{self.total}"

    @property
    def percent(self) -> int:
        """0 to 100; 0 while the total is not known."""
        return min(100, 100 * self.done // self.total) if self.total else 0


class JobLine(models.Model):
    """A line of a job's log. A job keeps its newest `jobs.progress.LINES_KEPT`."""

    scope: ClassVar = Scope.through("job")
    privacy: ClassVar = {"text": Privacy.INTERNAL, "level": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(_("at"), default=clock.now)
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    level = models.CharField(_("level"), max_length=8, default="info")
    text = models.CharField(_("what happened"), max_length=500)

    class Meta:
        verbose_name = _("line of a job")
        verbose_name_plural = _("lines of jobs")
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text


class ScheduleSlot(models.Model):
    """One firing of a schedule. The unique pair makes a second firing of the same slot impossible."""

    scope: ClassVar = Scope.platform()
    privacy: ClassVar = {"schedule": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    schedule = models.CharField(_("schedule"), max_length=80)
    slot = models.DateTimeField(_("slot"))
    fired_at = models.DateTimeField(_("fired"), default=clock.now)
    job = models.OneToOneField(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="slot", verbose_name=_("job")
    )

    class Meta:
        verbose_name = _("schedule slot")
        verbose_name_plural = _("schedule slots")
        ordering = ("-slot", "schedule")
        constraints = (models.UniqueConstraint(fields=["schedule", "slot"], name="one_firing_per_slot"),)

    def __str__(self) -> str:
        return f"{self.schedule} {self.slot:%Y-%m-%d %H:%M}"


class WorkerHeartbeat(models.Model):
    """Proof that a job went the whole way: enqueued, run and acknowledged."""

    scope: ClassVar = Scope.platform()
    privacy: ClassVar = {"worker": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    worker = models.CharField(_("worker"), max_length=120, unique=True)
    beat_at = models.DateTimeField(_("last heartbeat"))
    started_at = models.DateTimeField(_("started"), null=True)

    class Meta:
        verbose_name = _("worker heartbeat")
        verbose_name_plural = _("worker heartbeats")
        ordering = ("worker",)

    def __str__(self) -> str:
        return self.worker


class Downtime(models.Model):
    """A time in which something that should happen regularly did not: a schedule's jobs, a worker's heartbeat."""

    scope: ClassVar = Scope.platform()
    privacy: ClassVar = {"watched": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    watched = models.CharField(_("watched"), max_length=200)
    began_at = models.DateTimeField(_("down since"))
    noticed_at = models.DateTimeField(_("noticed"), default=clock.now)
    ended_at = models.DateTimeField(_("up again"), null=True, blank=True)

    objects: ClassVar = ScopedManager()

    class Meta:
        verbose_name = _("downtime")
        verbose_name_plural = _("downtimes")
        ordering = ("-began_at", "watched")
        constraints = (
            models.UniqueConstraint(fields=["watched"], condition=Q(ended_at=None), name="one_open_downtime"),
        )

    def __str__(self) -> str:
        return f"{self.watched} {self.began_at:%Y-%m-%d %H:%M}"


RUNS_AT_HOME = home_trigger(
    "rehearsal_runs_at_home",
    column="runs_as_id",
    beside="job_id",
    holds="(SELECT run.organization_id IS NOT DISTINCT FROM parked.organization_id FROM jobs_job run, jobs_job parked"
    " WHERE run.id = NEW.runs_as_id AND parked.id = NEW.job_id)",
)


class Rehearsal(Row):
    """What a parked job would do if it ran again: found out by running it and rolling everything back.

    `writes` lists table, row and, per column, the value before and after; columns that hold personal or secret
    values are named without their values. `outside` lists what it wanted from other systems, which it did not get.
    """

    scope: ClassVar = Scope.through("job")
    privacy: ClassVar = dict.fromkeys(("writes", "outside", "result", "error"), Privacy.INTERNAL)

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="rehearsals")
    runs_as = models.OneToOneField(
        Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="rehearsal", verbose_name=_("runs as")
    )
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    writes = models.JSONField(_("writes"), default=list, blank=True)
    outside = models.JSONField(_("outside"), default=list, blank=True)
    result = models.TextField(_("result"), blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("rehearsal")
        verbose_name_plural = _("rehearsals")
        ordering = ("-created_at", "id")
        triggers = (RUNS_AT_HOME,)

    def __str__(self) -> str:
        return f"{self.job_id} {self.created_at:%Y-%m-%d %H:%M}"
