"""Fee waivers out, without the worksheet's explanation."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import OuterRef, Subquery
from import_export.fields import Field

from core.scope import ScopedQuerySet
from organizations.models import Organization
from payments.models import FeeWaiver
from resources.base import ConsoleResource
from resources.payments import NAME


class FeeWaiverResource(ConsoleResource):
    """Who asked not to pay, how it was judged and decided (28 CFR 58.21, 58.34)."""

    name = "fee-waivers"
    model = FeeWaiver
    exports: ClassVar = (
        "id", "provider", "client", "enrollment_id", "status", "waiver_class", "is_presumed", "household_size",
        "annual_income_cents", "threshold_cents", "guideline_year", "state", "reduced_fee_cents", "created_at",
        "decided_at",
    )  # fmt: skip
    shown_as: ClassVar = {
        "income": ("annual_income_cents",), "line": ("threshold_cents",), "presumption": ("is_presumed",),
        "status_pill": ("status",),
    }  # fmt: skip

    id = Field("id", "id")
    provider = Field("provider_slug", "provider")
    client = Field("client_name", "client")
    enrollment_id = Field("enrollment_id", "enrollment_id")
    status = Field("status", "status")
    waiver_class = Field("waiver_class", "waiver_class")
    is_presumed = Field("is_presumed", "is_presumed")
    household_size = Field("household_size", "household_size")
    annual_income_cents = Field("annual_income_cents", "annual_income_cents")
    threshold_cents = Field("threshold_cents", "threshold_cents")
    guideline_year = Field("guideline_year", "guideline_year")
    state = Field("state", "state")
    reduced_fee_cents = Field("reduced_fee_cents", "reduced_fee_cents")
    created_at = Field("created_at", "created_at")
    decided_at = Field("decided_at", "decided_at")

    def get_queryset(self, verb: str = "export") -> ScopedQuerySet:
        slug = Subquery(Organization.objects.filter(pk=OuterRef("provider")).values("slug")[:1])
        return super().get_queryset(verb).annotate(provider_slug=slug, client_name=NAME)
