"""What providers offer to the public."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from core import clock
from core.context import Actor
from organizations.models import Organization, ProviderProfile
from providers.enums import CourseKind
from providers.fees import provider_fee_cents
from providers.models import DistrictApproval


def public_providers(actor: Actor, *, kind: str = "", court_id: str = "", language: str = "") -> QuerySet[Organization]:
    """Approved and active providers by name, with profile and today's approvals; only those that offer `kind`, in the
    district, in `language` where these are given. Two queries however long the list."""
    today = clock.today()
    found = Organization.objects.visible_to(actor).open_to_the_public()
    wanted = {name: value for name, value in (("kind", kind), ("district_id", court_id)) if value}
    if wanted:
        approvals = DistrictApproval.objects.in_force(today).filter(provider=OuterRef("pk"), **wanted)
        found = found.filter(Exists(approvals))
    if language:
        found = found.filter(provider_profile__languages__contains=[language])
    in_force = DistrictApproval.objects.in_force(today).select_related("district")
    in_force = in_force.order_by("district__state", "district__name", "kind")
    return (
        found.select_related("provider_profile")
        .prefetch_related(Prefetch("district_approvals", queryset=in_force, to_attr="approvals_today"))
        .order_by("name", "id")
    )


def spoken_languages() -> list[str]:
    """Every language some public provider works in, by name."""
    lists = ProviderProfile.objects.filter(organization__in=Organization.objects.open_to_the_public()).values_list(
        "languages", flat=True
    )
    return sorted({language for languages in lists for language in languages})


@dataclass(frozen=True)
class Offer:
    """A public provider as strangers see it; made from a row of `public_providers`."""

    provider: Organization

    @property
    def profile(self) -> ProviderProfile:
        return self.provider.provider_profile

    @property
    def fee_cents(self) -> int:
        return provider_fee_cents(self.provider)

    @cached_property
    def approvals(self) -> list[DistrictApproval]:
        """Today's, as `public_providers` fetched them along."""
        return vars(self.provider)["approvals_today"]

    @cached_property
    def kinds(self) -> list[CourseKind]:
        return [kind for kind in CourseKind if any(approval.kind == kind for approval in self.approvals)]

    def approvals_for(self, kind: str) -> list[DistrictApproval]:
        return [approval for approval in self.approvals if approval.kind == kind]


def offers_of(providers: Iterable[Organization]) -> list[Offer]:
    return [Offer(provider) for provider in providers]
