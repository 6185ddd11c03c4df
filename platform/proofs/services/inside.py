"""Our books against themselves: refunds against what their payment says, fees against the courses they open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from core.transitions import blocked_by
from enrollments.enums import ENDED, EnrollmentStatus
from enrollments.guards import ACCEPTANCE, payment_guard
from enrollments.models import Enrollment
from payments.enums import ARRIVED, RefundStatus
from payments.models import Payment, Refund
from proofs.enums import DifferenceKind
from proofs.services.findings import Finding, of_payment

AT_ONCE = 1000


def refund_sums(payments: QuerySet[Payment]) -> Iterator[Finding]:
    """Payments that say more or less was given back than their refunds add up to. A refund counts once the gateway has
    it, for it counts there from then on."""
    made = Refund.objects.filter(payment=OuterRef("pk")).filter(
        Q(status=RefundStatus.SUCCEEDED) | (Q(status=RefundStatus.CREATED) & ~Q(gateway_id=""))
    )
    summed = made.order_by().values("payment").annotate(total=Sum("amount_cents")).values("total")
    given = Coalesce(Subquery(summed, output_field=BigIntegerField()), 0)
    touched = payments.filter(Q(refunded_cents__gt=0) | Exists(Refund.objects.filter(payment=OuterRef("pk"))))
    for payment in touched.annotate(given=given).iterator(AT_ONCE):
        total: int = payment.given
        if payment.refunded_cents != total:
            facts = of_payment(payment, ours_cents=payment.refunded_cents, theirs_cents=total)
            yield Finding(DifferenceKind.REFUNDED_SUM, str(payment.pk), facts)


def unsettled_fees(enrollments: QuerySet[Enrollment]) -> Iterator[Finding]:
    """Invited clients whose fee has arrived and who lack nothing else: their course should be open."""
    paid = Payment.objects.all().succeeded()
    covered = Q(Exists(paid.filter(enrollment=OuterRef("pk")))) | Q(
        Exists(paid.filter(household=OuterRef("household"))), household__isnull=False
    )
    for enrollment in enrollments.filter(covered, status=EnrollmentStatus.INVITED).iterator(AT_ONCE):
        if blocked_by(enrollment, ACCEPTANCE) is None:
            yield _of_enrollment(DifferenceKind.FEE_NOT_SETTLED, enrollment)


def unpaid_courses(enrollments: QuerySet[Enrollment], since: dt.datetime) -> Iterator[Finding]:
    """Courses opened since `since` without a fee that arrived, a waiver, or a fee of nothing."""
    came = Payment.objects.filter(status__in=ARRIVED)
    bare = (
        enrollments.filter(enrolled_at__gte=since, has_fee_waiver=False)
        .exclude(status__in=ENDED | {EnrollmentStatus.INVITED})
        .exclude(Exists(came.filter(enrollment=OuterRef("pk"))))
        .exclude(Q(household__isnull=False) & Exists(came.filter(household=OuterRef("household"))))
    )
    for enrollment in bare.iterator(AT_ONCE):
        if payment_guard(enrollment) is not None:
            yield _of_enrollment(DifferenceKind.FEE_NEVER_PAID, enrollment)


def _of_enrollment(kind: DifferenceKind, enrollment: Enrollment) -> Finding:
    facts: dict[str, Any] = {
        "provider_id": enrollment.provider_id, "enrollment_id": enrollment.pk, "ours": enrollment.status,
        "happened_at": enrollment.enrolled_at or enrollment.created_at,
    }  # fmt: skip
    return Finding(kind, str(enrollment.pk), facts)
