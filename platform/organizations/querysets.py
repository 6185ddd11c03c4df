from __future__ import annotations

from typing import Self

from core import clock
from core.scope import ScopedQuerySet
from organizations.enums import ApprovalStatus, InvitationStatus, MembershipStatus


class OrganizationQuerySet(ScopedQuerySet):
    def providers(self) -> Self:
        return self.filter(is_provider=True)

    def firms(self) -> Self:
        return self.filter(is_firm=True)

    def open_to_the_public(self) -> Self:
        """Providers that are approved and active: the only ones strangers may see."""
        return self.filter(
            is_provider=True,
            provider_profile__approval_status=ApprovalStatus.APPROVED,
            provider_profile__is_active=True,
        )


class MembershipQuerySet(ScopedQuerySet):
    def active(self) -> Self:
        return self.filter(status=MembershipStatus.ACTIVE)


class InvitationQuerySet(ScopedQuerySet):
    def pending(self) -> Self:
        return self.filter(status=InvitationStatus.PENDING)

    def usable(self) -> Self:
        """Pending and not expired."""
        return self.pending().filter(expires_at__gt=clock.now())
