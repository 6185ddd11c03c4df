from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PlatformRole(models.TextChoices):
    """Roles of the people who run the platform itself."""

    ADMIN = "platform_admin", _("Platform administrator")
    FINANCE = "platform_finance", _("Platform finance")
    SUPPORT = "platform_support", _("Platform support")


class Language(models.TextChoices):
    """Languages of the public site, its mails and documents."""

    ENGLISH = "en", "English"
    SPANISH = "es", "Español"
