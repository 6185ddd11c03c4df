"""Exports that run in the background, and exports that repeat."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import history
from core.links import HomeKey, SameHome
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from exports.enums import (
    EXPORT_TRANSITIONS,
    SCHEDULE_TRANSITIONS,
    ExportFormat,
    ExportStatus,
    Frequency,
    ScheduleStatus,
)
from files.models import StoredFile
from organizations.models import Organization

_PRIVACY = {
    "resource": Privacy.INTERNAL,
    "query": Privacy.PERSONAL,
    "columns": Privacy.INTERNAL,
    "format": Privacy.INTERNAL,
}


class Wish(Row):
    """What is exported: a resource, the filters of its list as they stand in the address, columns (none: all), format.

    `organization` is the one organization in which the person may export it, where there is only one.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("person")
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("organization")
    )
    resource = models.CharField(_("what"), max_length=80)
    query = models.TextField(_("filters"), blank=True)
    columns = ArrayField(models.CharField(max_length=80), verbose_name=_("columns"), default=list, blank=True)
    format = models.CharField(_("format"), max_length=12, choices=ExportFormat, default=ExportFormat.CSV)

    class Meta:
        abstract = True


class ScheduledExport(Wish):
    """An export that repeats at an hour of a day and tells its owner by mail. It runs with the rights the owner has at
    that moment, and stops itself when the right is lost."""

    scope: ClassVar = Scope(organization="organization", person="person")
    privacy: ClassVar = _PRIVACY | {"time_zone": Privacy.PUBLIC, "stopped_because": Privacy.INTERNAL}
    transitions: ClassVar = {"status": SCHEDULE_TRANSITIONS}

    frequency = models.CharField(_("how often"), max_length=8, choices=Frequency, default=Frequency.WEEK)
    weekday = models.PositiveSmallIntegerField(_("day of the week"), default=0, validators=[MaxValueValidator(6)])
    month_day = models.PositiveSmallIntegerField(
        _("day of the month"), default=1, validators=[MinValueValidator(1), MaxValueValidator(28)]
    )
    hour = models.PositiveSmallIntegerField(_("hour"), default=7, validators=[MaxValueValidator(23)])
    time_zone = models.CharField(_("time zone"), max_length=40)
    status = models.CharField(_("status"), max_length=8, choices=ScheduleStatus, default=ScheduleStatus.ACTIVE)
    next_at = models.DateTimeField(_("next"))
    stopped_because = models.CharField(_("stopped because"), max_length=60, blank=True)

    history = history(excluded=("query",))

    class Meta:
        verbose_name = _("scheduled export")
        verbose_name_plural = _("scheduled exports")
        ordering = ("-created_at", "id")
        permissions = (("oversee_scheduledexport", "Can see everybody's scheduled exports"),)
        constraints = (HomeKey(fields=["id", "organization"], name="scheduled_export_home"),)
        indexes = (models.Index(fields=["next_at"], name="schedule_next", condition=Q(status=ScheduleStatus.ACTIVE)),)

    def __str__(self) -> str:
        return f"{self.resource} · {self.get_frequency_display()}"


class ExportRun(Wish):
    """One export in the background and the file it left.

    `permission`, `everywhere` and `reach` say with which right in which organizations it ran: whoever opens the file
    must still hold that right in all of them. `rows_done` is written beside the work, so that it can be watched.
    """

    scope: ClassVar = Scope(organization="organization", person="person")
    privacy: ClassVar = _PRIVACY | {
        "permission": Privacy.INTERNAL,
        "sha256": Privacy.INTERNAL,
        "failure": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": EXPORT_TRANSITIONS}

    status = models.CharField(_("status"), max_length=10, choices=ExportStatus, default=ExportStatus.QUEUED)
    permission = models.CharField(_("permission"), max_length=120)
    everywhere = models.BooleanField(_("with a platform role"), default=False)
    reach = ArrayField(models.UUIDField(), verbose_name=_("organizations"), default=list, blank=True)
    rows_expected = models.PositiveBigIntegerField(_("rows expected"), default=0)
    rows_done = models.PositiveBigIntegerField(_("rows"), default=0)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    file = models.ForeignKey(
        StoredFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("file")
    )
    size = models.PositiveBigIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(_("digest"), max_length=64, blank=True)
    failure = models.CharField(_("failure"), max_length=60, blank=True)
    schedule = models.ForeignKey(
        ScheduledExport, on_delete=models.PROTECT, null=True, blank=True, related_name="runs",
        verbose_name=_("scheduled export"),
    )  # fmt: skip
    slot = models.DateTimeField(_("slot"), null=True, blank=True)

    history = history(excluded=("query", "rows_done", "started_at"))

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ("-created_at", "id")
        permissions = (
            ("oversee_exportrun", "Can see everybody's exports"),
            ("cancel_exportrun", "Can cancel an export"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["schedule", "slot"], name="one_export_per_slot", condition=Q(schedule__isnull=False)
            ),
            SameHome(relation="schedule", home="organization", name="export_schedule_home"),
            SameHome(relation="file", home="organization", name="export_file_home"),
        )
        indexes = (
            models.Index(fields=["person", "-created_at", "id"], name="export_by_person"),
            models.Index(fields=["organization", "-created_at", "id"], name="export_by_organization"),
        )

    def __str__(self) -> str:
        return f"{self.resource} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def percent(self) -> int:
        """How far the export is, 0 to 100, by the rows expected when it was asked for."""
        if self.status != ExportStatus.QUEUED:
            return 100 if self.status in (ExportStatus.DONE, ExportStatus.EXPIRED) else 0
        return min(99, 100 * self.rows_done // self.rows_expected) if self.rows_expected else 0
