"""What a course costs at a provider, before any waiver."""

from __future__ import annotations

from django.conf import settings

from organizations.models import Organization

CAP_CENTS = 5000


def provider_fee_cents(provider: Organization) -> int:
    """The provider's fee in cents, or the installation's default where it sets none; never above the 5000 that are
    presumed reasonable (28 CFR 58.21(a), 58.34(a))."""
    own = provider.provider_profile.fee_cents
    fee = settings.COURSE_FEE_CENTS_DEFAULT if own is None else own
    return min(fee, CAP_CENTS)
