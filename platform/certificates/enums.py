from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CertificateStatus(models.TextChoices):
    VALID = "valid", _("Valid")
    REPLACED = "replaced", _("Replaced")
    REVOKED = "revoked", _("Revoked")


CERTIFICATE_TRANSITIONS = {
    CertificateStatus.VALID: frozenset({CertificateStatus.REPLACED, CertificateStatus.REVOKED}),
    CertificateStatus.REPLACED: frozenset(),
    CertificateStatus.REVOKED: frozenset(),
}


class NumberStatus(models.TextChoices):
    AVAILABLE = "available", _("Available")
    USED = "used", _("Used")
    VOID = "void", _("Void")


NUMBER_TRANSITIONS = {
    NumberStatus.AVAILABLE: frozenset({NumberStatus.USED, NumberStatus.VOID}),
    NumberStatus.USED: frozenset(),
    NumberStatus.VOID: frozenset(),
}


class FilingStatus(models.TextChoices):
    QUEUED = "queued", _("To be filed")
    FILED = "filed", _("Filed")
    RETURNED = "returned", _("Returned by the court")
    CLOSED = "closed", _("Closed")


FILING_TRANSITIONS = {
    FilingStatus.QUEUED: frozenset({FilingStatus.FILED, FilingStatus.CLOSED}),
    FilingStatus.FILED: frozenset({FilingStatus.RETURNED}),
    FilingStatus.RETURNED: frozenset({FilingStatus.FILED, FilingStatus.CLOSED}),
    FilingStatus.CLOSED: frozenset(),
}
