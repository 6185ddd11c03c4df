"""The places a person works in, and which of them comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.enums import PlatformRole
from enrollments.models import Client
from organizations.enums import Capability, Role
from organizations.models import Membership
from organizations.queries import hats_of
from organizations.roles import rank_of

PLACES = ("admin", "provider", "attorney", "counselor", "client")


@dataclass(frozen=True, slots=True)
class Hat:
    """One place: where it is, what it is called, and how it ranks among the others."""

    place: str
    label: str
    rank: int

    @property
    def url(self) -> str:
        return reverse(f"website:dashboard_{self.place}")


def hats(user: Any) -> list[Hat]:
    """Every place of a signed-in person, the highest rank first; somebody without any staff role is a client."""
    found = [_hat(membership) for membership in hats_of(user)]
    if user.platform_role:
        found.append(Hat("admin", str(PlatformRole(user.platform_role).label), rank_of(PlatformRole.ADMIN)))
    if not found or Client.objects.filter(user=user).exists():
        found.append(Hat("client", _("My courses"), 0))
    return sorted(found, key=lambda hat: (-hat.rank, PLACES.index(hat.place), hat.label))


def _hat(membership: Membership) -> Hat:
    places = {Role.PROVIDER_ADMIN: "provider", Role.COUNSELOR: "counselor", Role.ATTORNEY: "attorney"}
    owned = "attorney" if membership.organization.capabilities == {Capability.FIRM} else "provider"
    label = f"{membership.organization.name}: {membership.get_role_display()}"
    return Hat(places.get(Role(membership.role), owned), label, rank_of(membership.role))
