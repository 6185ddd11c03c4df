from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ExportStatus(models.TextChoices):
    """`QUEUED` waits for a worker or is being written; `EXPIRED` had a file, which is deleted by now."""

    QUEUED = "queued", _("Under way")
    DONE = "done", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


EXPORT_TRANSITIONS = {
    ExportStatus.QUEUED: frozenset({ExportStatus.DONE, ExportStatus.FAILED, ExportStatus.CANCELLED}),
    ExportStatus.DONE: frozenset({ExportStatus.EXPIRED}),
    ExportStatus.FAILED: frozenset(),
    ExportStatus.CANCELLED: frozenset(),
    ExportStatus.EXPIRED: frozenset(),
}


class ExportFormat(models.TextChoices):
    CSV = "csv", _("CSV")
    EXCEL_CSV = "excel-csv", _("CSV that Excel opens with accents intact")
    XLSX = "xlsx", _("Excel (.xlsx)")


class Frequency(models.TextChoices):
    DAY = "day", _("Every day")
    WEEK = "week", _("Every week")
    MONTH = "month", _("Every month")


class ScheduleStatus(models.TextChoices):
    """`STOPPED` stopped itself because its owner lost the right; `ENDED` was deleted by a person."""

    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    STOPPED = "stopped", _("Stopped")
    ENDED = "ended", _("Deleted")


SCHEDULE_TRANSITIONS = {
    ScheduleStatus.ACTIVE: frozenset({ScheduleStatus.PAUSED, ScheduleStatus.STOPPED, ScheduleStatus.ENDED}),
    ScheduleStatus.PAUSED: frozenset({ScheduleStatus.ACTIVE, ScheduleStatus.ENDED}),
    ScheduleStatus.STOPPED: frozenset({ScheduleStatus.ACTIVE, ScheduleStatus.ENDED}),
    ScheduleStatus.ENDED: frozenset(),
}
