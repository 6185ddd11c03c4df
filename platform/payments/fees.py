"""What a client pays for a course, after any waiver. Cents; never above 5000 per client (28 CFR 58.21, 58.34)."""

from __future__ import annotations

from enrollments.guards import payment_guard
from enrollments.models import Enrollment
from payments.enums import WaiverStatus
from payments.models import FeeWaiver
from providers.fees import provider_fee_cents


def fee_cents(enrollment: Enrollment) -> int:
    """What the client pays for `enrollment`: nothing when waived, the reduced fee when one was granted and the usual
    fee is not lower meanwhile, otherwise the provider's fee."""
    if enrollment.has_fee_waiver:
        return 0
    usual = provider_fee_cents(enrollment.provider)
    reduced = reduced_fee_cents(enrollment)
    return usual if reduced is None else min(reduced, usual)


def reduced_fee_cents(enrollment: Enrollment) -> int | None:
    """The reduced fee that was granted, if one was."""
    granted = FeeWaiver.objects.filter(enrollment=enrollment, status=WaiverStatus.GRANTED).first()
    return granted.reduced_fee_cents if granted is not None else None


def is_settled(enrollment: Enrollment) -> bool:
    """Whether nothing is left to pay: the fee is waived or nothing, or a succeeded payment of the enrollment or its
    household covers it. The same rule that acceptance asks."""
    return payment_guard(enrollment) is None
