"""Background work as rows: what is to be done, for whom, how often it was tried."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.correlation import correlation_id
from core.history import history
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from jobs.enums import JOB_TRANSITIONS, JobState
from jobs.querysets import JobQuerySet


class Job(Row):
    """One durable piece of work, written in the business transaction that wants it (an outbox).

    `dedupe_key` is unique for ever and is the idempotency key of every outside effect; a re-run keeps it. `attempts`
    is committed before the work starts, so that a task which kills its worker is counted too.
    """

    scope: ClassVar = Scope(organization="organization", open_insert=True)
    privacy: ClassVar = dict.fromkeys(
        ("kind", "subject_type", "subject_id", "dedupe_key", "params", "last_error", "result", "correlation_id"),
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

    objects: ClassVar = models.Manager.from_queryset(JobQuerySet)()
    history = history(excluded=("params",))

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ("-created_at", "id")
        permissions = (("rerun_job", "Can re-run a job"), ("cancel_job", "Can cancel a job"))
        indexes = (
            models.Index(fields=["not_before"], name="job_open", condition=Q(state__in=["ready", "running"])),
            models.Index(fields=["subject_type", "subject_id"], name="job_subject"),
            models.Index(fields=["organization", "-created_at", "id"], name="job_by_organization"),
            models.Index(fields=["-created_at", "id"], name="job_newest"),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.get_state_display()})"


class ScheduleSlot(models.Model):
    """One firing of a schedule. The unique pair makes a second firing of the same slot impossible."""

    scope: ClassVar = Scope.platform()
    privacy: ClassVar = {"schedule": Privacy.INTERNAL}

    id = models.BigAutoField(primary_key=True)
    schedule = models.CharField(_("schedule"), max_length=80)
    slot = models.DateTimeField(_("slot"))
    fired_at = models.DateTimeField(_("fired"), default=clock.now)

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
