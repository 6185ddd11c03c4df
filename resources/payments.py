"""Payments out, and payments recorded by hand in."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Trim
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from core.context import Actor
from core.errors import DomainError
from core.scope import ScopedQuerySet
from enrollments.models import Enrollment
from organizations.models import Organization
from payments.enums import PaymentSource
from payments.models import Payment
from payments.services.by_hand import annotate_payment, record_manual_payment
from resources.base import ConsoleResource
from resources.widgets import Cents, ScopedReference, Text, invalid

NAME = Trim(Concat("enrollment__client__first_name", Value(" "), "enrollment__client__last_name"))


class EnrollmentById(ScopedReference):
    """An enrollment the person may record a payment for, told by its id."""

    def rows(self, actor: Actor) -> models.QuerySet:
        return Enrollment.objects.permitted_to(actor, "payments.record_payment")

    def clean(
        self, value: Any, row: Any = None, *, actor: Actor, known: dict[str, Any] | None = None, **kwargs: Any
    ) -> models.Model | None:
        if value not in (None, "") and not _is_id(value):
            raise invalid(value)
        return super().clean(value, row, actor=actor, known=known, **kwargs)

    def resolve(self, texts: Iterable[str], actor: Actor) -> dict[str, Any]:
        wanted = {text.casefold() for text in texts if _is_id(text)}
        return {str(row.pk): row for row in self.rows(actor).filter(pk__in=wanted)}


def _is_id(value: Any) -> bool:
    try:
        return bool(uuid.UUID(str(value).strip()))
    except ValueError:
        return False


class ManualPaymentById(ScopedReference):
    """A payment recorded by hand that the person may annotate, told by its id."""

    def rows(self, actor: Actor) -> models.QuerySet:
        return Payment.objects.permitted_to(actor, "payments.record_payment").filter(source=PaymentSource.MANUAL)

    def resolve(self, texts: Iterable[str], actor: Actor) -> dict[str, Any]:
        wanted = {text.casefold() for text in texts if _is_id(text)}
        return {str(row.pk): row for row in self.rows(actor).filter(pk__in=wanted)}


class PaymentResource(ConsoleResource):
    """Out: what was paid, refunded and when. In: money that came by cash, check or transfer, told apart by enrollment
    and reference, so that the same line never counts twice. A line that names a payment recorded by hand by its `id`,
    as the export writes it, corrects the payment's reference. Money on record never changes."""

    name = "payments"
    model = Payment
    related: ClassVar = ("enrollment__client",)
    about_known: ClassVar = _(
        "The same reference for the same enrollment is not recorded twice. Give a payment’s id to correct its "
        "reference; amounts on record never change."
    )
    key: ClassVar = ("enrollment_id", "reference")
    required: ClassVar = ("enrollment_id", "reference")
    writable: ClassVar = ("payment_id", "enrollment_id", "reference", "amount_cents")
    exports: ClassVar = (
        "id", "provider", "client", "enrollment_id", "household_id", "source", "status", "amount_cents",
        "refunded_cents", "currency", "created_at", "succeeded_at", "payment_intent_id", "reference",
    )  # fmt: skip

    shown_as: ClassVar = {
        "amount": ("amount_cents", "refunded_cents", "currency"), "course": ("enrollment_id",),
        "provider_name": ("provider",), "joint": ("household_id",), "status_pill": ("status",),
    }  # fmt: skip

    id = Field("id", "id")
    payment_id = Field(None, "payment_id", widget=ManualPaymentById(Payment, "pk"))
    provider = Field("provider_slug", "provider")
    client = Field("client_name", "client")
    enrollment_id = Field("enrollment_id", "enrollment_id", widget=EnrollmentById(Enrollment, "pk"))
    household_id = Field("household_id", "household_id")
    source = Field("source", "source")
    status = Field("status", "status")
    amount_cents = Field("amount_cents", "amount_cents", widget=Cents())
    refunded_cents = Field("refunded_cents", "refunded_cents")
    currency = Field("currency", "currency")
    created_at = Field("created_at", "created_at")
    succeeded_at = Field("succeeded_at", "succeeded_at")
    payment_intent_id = Field("payment_intent_id", "payment_intent_id")
    reference = Field("note", "reference", widget=Text(200))

    def get_queryset(self, verb: str = "export") -> ScopedQuerySet:
        slug = Subquery(Organization.objects.filter(pk=OuterRef("provider")).values("slug")[:1])
        return super().get_queryset(verb).annotate(provider_slug=slug, client_name=NAME)

    def find(self, values: Mapping[str, Any]) -> Payment | None:
        """The payment the row names, else the one recorded by hand for this enrollment under this reference."""
        if values["payment_id"] is not None:
            return values["payment_id"]
        return (
            self.get_queryset("import")
            .filter(enrollment=values["enrollment_id"], source=PaymentSource.MANUAL, note=values["reference"])
            .first()
        )

    def create(self, values: Mapping[str, Any]) -> Payment:
        return record_manual_payment(
            values["enrollment_id"], note=values["reference"], amount_cents=values["amount_cents"]
        )

    def differences(self, record: Any, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        told = {
            "enrollment_id": (record.enrollment_id, values["enrollment_id"].pk),
            "reference": (record.note, values["reference"]),
            "amount_cents": (record.amount_cents, values["amount_cents"] or record.amount_cents),
        }
        return {name: pair for name, pair in told.items() if pair[0] != pair[1]}

    def update(self, record: Any, values: Mapping[str, Any]) -> None:
        """Correct the reference. DomainError `import_money_stays`: whose money it is and how much is on record."""
        money = [name for name in self.differences(record, values) if name != "reference"]
        if money:
            raise DomainError("import_money_stays", columns=", ".join(money))
        annotate_payment(record, note=values["reference"])

    def examples(self) -> list[dict[str, Any]]:
        enrollment = str(uuid.UUID(int=1))
        return [
            {"enrollment_id": enrollment, "reference": "Check 1042", "amount_cents": 5000},
            {"payment_id": str(uuid.UUID(int=2)), "enrollment_id": enrollment, "reference": "Check 1024, not 1042"},
        ]
