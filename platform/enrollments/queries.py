"""Reads about enrollments that lists and pages share."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from core import clock
from enrollments.enums import EnrollmentStatus, PaymentLabel
from enrollments.models import DisclosureAcknowledgement, DisclosureSet, Enrollment

QuerySetT = TypeVar("QuerySetT", bound=QuerySet[Any, Any])


def with_standing(enrollments: QuerySetT) -> QuerySetT:
    """With `has_acknowledged` (the disclosures in force now), `has_own_payment` and `has_household_payment`.

    Payments stand in a room above this one, so they are reached over the relation. A reader who may not see payments
    (a law firm) gets False; `payment_label` makes up for it.
    """
    payment: Any = Enrollment._meta.get_field("payments").related_model
    succeeded = payment.objects.succeeded()
    in_force = DisclosureSet.objects.filter(kind=OuterRef(OuterRef("kind")), effective_from__lte=clock.now())
    newest = in_force.order_by("-effective_from").values("pk")[:1]
    acknowledged = DisclosureAcknowledgement.objects.filter(enrollment=OuterRef("pk"), disclosures=Subquery(newest))
    return enrollments.annotate(
        has_acknowledged=Exists(acknowledged),
        has_own_payment=Exists(succeeded.filter(enrollment=OuterRef("pk"))),
        has_household_payment=Exists(succeeded.filter(household=OuterRef("household_id")).exclude(household=None)),
    )


def payment_label(enrollment: Enrollment) -> PaymentLabel:
    """Who paid, for an enrollment from `with_standing`. One that went beyond `invited` was settled somehow, also where
    the reader may not see the payment itself."""
    if enrollment.has_fee_waiver:
        return PaymentLabel.WAIVED
    if enrollment.has_own_payment:
        return PaymentLabel.PAID
    if enrollment.has_household_payment:
        return PaymentLabel.HOUSEHOLD_PAID
    if enrollment.status not in (EnrollmentStatus.INVITED, EnrollmentStatus.CANCELLED):
        return PaymentLabel.PAID
    return PaymentLabel.CLIENT_PAYS


def stands_at(enrollment_id: UUID, provider_id: UUID) -> bool:
    """Whether an enrollment with this id stands at this provider; the one thing a stranger may learn about an id,
    and only by knowing all of it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app.enrollment_at(%s, %s)", [enrollment_id, provider_id])
        return bool(cursor.fetchone()[0])
