from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Audience(models.TextChoices):
    """Who finds a saved view above the list."""

    PRIVATE = "private", _("Only me")
    SHARED = "shared", _("Everybody in the organization")
    ROLE = "role", _("One role")


class RowResult(models.TextChoices):
    """What a change of many rows did to one of them, and what undoing it did."""

    CHANGED = "changed", _("Changed")
    SAME = "same", _("Was so already")
    REFUSED = "refused", _("Refused")
    UNDONE = "undone", _("Undone")
    KEPT = "kept", _("Changed since, so it was left alone")
