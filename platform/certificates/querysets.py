from __future__ import annotations

from typing import Self
from uuid import UUID

from django.db.models import Q

from certificates.enums import CertificateStatus, FilingStatus, NumberStatus
from core.scope import ScopedQuerySet


class CgsNumberQuerySet(ScopedQuerySet):
    def available(self) -> Self:
        return self.filter(status=NumberStatus.AVAILABLE)

    def fitting(self, *, provider: UUID, kind: str, court_id: str) -> Self:
        return self.filter(provider_id=provider, kind=kind, district_id=court_id)

    def open_to(self, enrollment: UUID) -> Self:
        """Drawn for this enrollment, or for nobody in particular."""
        return self.filter(Q(enrollment=None) | Q(enrollment_id=enrollment))


class CertificateQuerySet(ScopedQuerySet):
    def valid(self) -> Self:
        return self.filter(status=CertificateStatus.VALID)

    def with_people(self) -> Self:
        """With everything a list shows about a certificate in one query."""
        return self.select_related("provider", "enrollment__client", "released_to")


class CourtFilingQuerySet(ScopedQuerySet):
    def waiting(self) -> Self:
        """What staff still have to file: never filed, or sent back by the court."""
        return self.filter(status__in=(FilingStatus.QUEUED, FilingStatus.RETURNED))
