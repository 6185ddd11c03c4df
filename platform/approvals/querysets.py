from __future__ import annotations

import datetime as dt
from typing import Self
from uuid import UUID

from django.db.models import Q

from approvals.enums import DelegationStatus, RequestStatus
from core import clock
from core.scope import ScopedQuerySet


class RequestQuerySet(ScopedQuerySet):
    def pending(self) -> Self:
        return self.filter(status=RequestStatus.PENDING)

    def overdue(self) -> Self:
        """Still pending although their time is over."""
        return self.pending().filter(expires_at__lte=clock.now())

    def about(self, label: str, keys: object) -> Self:
        """Requests about records of one model, by label and ids."""
        return self.filter(subject_type=label, subject_id__in=keys)


class DelegationQuerySet(ScopedQuerySet):
    def in_force(self, since: dt.datetime | None = None) -> Self:
        """Those that hold now, or at any moment since `since`."""
        now = clock.now()
        return self.filter(starts_at__lte=now).filter(
            Q(status=DelegationStatus.ACTIVE, ends_at__gt=since or now) | Q(ended_at__gt=since or now)
        )

    def covering(self, kind: str, organization: UUID | None) -> Self:
        """Those for this kind of request (or for every kind) in this organization; a platform person's hold in all."""
        return self.filter(kind__in=("", kind)).filter(Q(organization=organization) | Q(organization=None))
