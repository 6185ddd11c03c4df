from __future__ import annotations

from typing import Self

from core.scope import ScopedQuerySet
from enrollments.enums import FINISHED, WAITING, EnrollmentStatus


class EnrollmentRequestQuerySet(ScopedQuerySet):
    def waiting(self) -> Self:
        """Asked for and not answered yet."""
        return self.filter(status__in=WAITING)


class EnrollmentQuerySet(ScopedQuerySet):
    def awaiting_counselor(self) -> Self:
        return self.filter(status=EnrollmentStatus.REVIEW)

    def awaiting_certificate(self) -> Self:
        return self.filter(status=EnrollmentStatus.COMPLETED)

    def awaiting_filing(self) -> Self:
        """Debtor education with a certificate that the court does not have yet; counseling is never filed."""
        return self.filter(status=EnrollmentStatus.CERT_ISSUED, kind="DE")

    def finished(self) -> Self:
        return self.filter(status__in=FINISHED)

    def with_people(self) -> Self:
        """With everything a list shows about an enrollment in one query."""
        return self.select_related("client", "client__user", "provider", "firm", "district")
