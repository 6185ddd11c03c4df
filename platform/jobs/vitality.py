from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Vitality(models.TextChoices):
    """How something that should happen regularly stands."""

    NEW = "new", _("Not yet")
    OK = "ok", _("On time")
    LATE = "late", _("Late")
    DOWN = "down", _("Down")
