"""Refunds out."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Trim
from import_export.fields import Field

from core.scope import ScopedQuerySet
from organizations.models import Organization
from payments.models import Refund
from resources.base import ConsoleResource

_CLIENT = "payment__enrollment__client"


class RefundResource(ConsoleResource):
    """What went back, when, and of which payment."""

    name = "refunds"
    model = Refund
    exports: ClassVar = (
        "id", "provider", "client", "payment_id", "status", "amount_cents", "currency", "reason", "created_at",
        "succeeded_at", "failed_at", "gateway_id", "failure",
    )  # fmt: skip
    shown_as: ClassVar = {"money": ("amount_cents", "currency"), "status_pill": ("status",)}

    id = Field("id", "id")
    provider = Field("provider_slug", "provider")
    client = Field("client_name", "client")
    payment_id = Field("payment_id", "payment_id")
    status = Field("status", "status")
    amount_cents = Field("amount_cents", "amount_cents")
    currency = Field("payment__currency", "currency")
    reason = Field("reason", "reason")
    created_at = Field("created_at", "created_at")
    succeeded_at = Field("succeeded_at", "succeeded_at")
    failed_at = Field("failed_at", "failed_at")
    gateway_id = Field("gateway_id", "gateway_id")
    failure = Field("failure", "failure")

    def get_queryset(self, verb: str = "export") -> ScopedQuerySet:
        slug = Subquery(Organization.objects.filter(pk=OuterRef("payment__provider")).values("slug")[:1])
        name = Trim(Concat(f"{_CLIENT}__first_name", Value(" "), f"{_CLIENT}__last_name"))
        return super().get_queryset(verb).annotate(provider_slug=slug, client_name=name)
