from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.TextChoices):
    """Where a job stands. `PARKED` is the dead letter: visible, re-runnable with a reason, never lost."""

    READY = "ready", _("Ready")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    PARKED = "parked", _("Parked")
    CANCELLED = "cancelled", _("Cancelled")


JOB_TRANSITIONS = {
    JobState.READY: frozenset({JobState.RUNNING, JobState.PARKED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.DONE, JobState.READY, JobState.PARKED, JobState.CANCELLED}),
    JobState.DONE: frozenset(),
    JobState.PARKED: frozenset({JobState.READY, JobState.CANCELLED}),
    JobState.CANCELLED: frozenset(),
}
OPEN_STATES = frozenset({JobState.READY, JobState.RUNNING})
