from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    """Where an import stands. `CHECKED` waits for its uploader; `STOPPED` came to a point where it may not go on."""

    UPLOADED = "uploaded", _("Columns to be confirmed")
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Waiting for your word")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Never confirmed")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


RUN_TRANSITIONS = {
    RunState.UPLOADED: frozenset(
        {RunState.CHECKING, RunState.CHECKED, RunState.STOPPED, RunState.CANCELLED, RunState.EXPIRED}
    ),
    RunState.CHECKING: frozenset({RunState.CHECKED, RunState.STOPPED, RunState.CANCELLED, RunState.EXPIRED}),
    RunState.CHECKED: frozenset(
        {RunState.RUNNING, RunState.DONE, RunState.STOPPED, RunState.CANCELLED, RunState.EXPIRED}
    ),
    RunState.RUNNING: frozenset({RunState.DONE, RunState.STOPPED, RunState.CANCELLED}),
    RunState.DONE: frozenset({RunState.UNDOING, RunState.UNDONE}),
    RunState.STOPPED: frozenset({RunState.UNDOING, RunState.UNDONE}),
    RunState.CANCELLED: frozenset({RunState.UNDOING, RunState.UNDONE}),
    RunState.EXPIRED: frozenset(),
    RunState.UNDOING: frozenset({RunState.UNDONE, RunState.DONE, RunState.STOPPED, RunState.CANCELLED}),
    RunState.UNDONE: frozenset(),
}
BEFORE_WRITING = frozenset({RunState.UPLOADED, RunState.CHECKING, RunState.CHECKED})
AT_WORK = frozenset({RunState.CHECKING, RunState.RUNNING, RunState.UNDOING})
CANCELLABLE = frozenset({*BEFORE_WRITING, RunState.RUNNING})
UNDOABLE = frozenset({RunState.DONE, RunState.STOPPED, RunState.CANCELLED})


class Outcome(models.TextChoices):
    """What a row of a file does."""

    CREATE = "create", _("New")
    UPDATE = "update", _("Changed")
    SKIP = "skip", _("Unchanged")
    ERROR = "error", _("Refused")
