from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class RequestStatus(models.TextChoices):
    """Where a request stands. Everything but `PENDING` is final: who wants it anyway asks again."""

    PENDING = "pending", _("Waits for a decision")
    APPROVED = "approved", _("Approved")
    DENIED = "denied", _("Denied")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


REQUEST_TRANSITIONS = {
    RequestStatus.PENDING: frozenset(
        {RequestStatus.APPROVED, RequestStatus.DENIED, RequestStatus.WITHDRAWN, RequestStatus.EXPIRED}
    ),
    RequestStatus.APPROVED: frozenset(),
    RequestStatus.DENIED: frozenset(),
    RequestStatus.WITHDRAWN: frozenset(),
    RequestStatus.EXPIRED: frozenset(),
}


class DelegationStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    ENDED = "ended", _("Ended early")


DELEGATION_TRANSITIONS = {
    DelegationStatus.ACTIVE: frozenset({DelegationStatus.ENDED}),
    DelegationStatus.ENDED: frozenset(),
}
