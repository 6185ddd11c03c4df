from __future__ import annotations

from typing import TYPE_CHECKING, Self

from core.scope import ScopedQuerySet
from payments.enums import (
    DISPUTE_OPEN,
    OPEN,
    DisputeDecision,
    DisputeStatus,
    PaymentSource,
    PaymentStatus,
    WaiverStatus,
)

if TYPE_CHECKING:
    from enrollments.models import Enrollment


class PaymentQuerySet(ScopedQuerySet):
    def succeeded(self) -> Self:
        return self.filter(status=PaymentStatus.SUCCEEDED)

    def open(self) -> Self:
        """Not decided yet: the client may still pay."""
        return self.filter(status__in=OPEN)

    def failed(self) -> Self:
        """Declined, or never paid until the page closed."""
        return self.filter(status__in=(PaymentStatus.FAILED, PaymentStatus.EXPIRED))

    def by_hand(self) -> Self:
        return self.filter(source=PaymentSource.MANUAL)

    def covering(self, enrollment: Enrollment) -> Self:
        """Payments that pay for the enrollment: its own, or any of its household."""
        own = self.filter(enrollment=enrollment)
        return self.filter(household_id=enrollment.household_id) | own if enrollment.household_id else own


class WaiverQuerySet(ScopedQuerySet):
    def waiting(self) -> Self:
        return self.filter(status=WaiverStatus.REQUESTED)


class DisputeQuerySet(ScopedQuerySet):
    def open(self) -> Self:
        """The bank has not decided."""
        return self.filter(status__in=DISPUTE_OPEN)

    def to_answer(self) -> Self:
        """Open, and nobody has decided yet what we say."""
        return self.filter(status=DisputeStatus.NEEDS_RESPONSE, decision=DisputeDecision.NONE)
