"""Reads about money that lists, pages and exports share."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from core.context import Actor
from core.scope import ScopedQuerySet
from enrollments.enums import PaymentLabel
from enrollments.models import Enrollment, Household
from payments.enums import OPEN, PaymentSource, PaymentStatus
from payments.models import FeeWaiver, Payment
from payments.querysets import PaymentQuerySet

JOINT = 2
FAILURES = (PaymentStatus.FAILED, PaymentStatus.EXPIRED)


def with_coverage(payments: PaymentQuerySet) -> PaymentQuerySet:
    """With what `classification` needs to know about each payment's enrollment."""
    succeeded = Payment.objects.all().succeeded()
    return payments.annotate(
        is_waived=F("enrollment__has_fee_waiver"),
        covers_itself=Exists(succeeded.filter(enrollment=OuterRef("enrollment"))),
        covered_by_household=Exists(
            succeeded.filter(household=OuterRef("enrollment__household")).exclude(household=None)
        ),
    )


def classification(payment: Payment) -> PaymentLabel:
    """Who bears the fee of a payment's enrollment, for a payment from `with_coverage`."""
    if payment.is_waived:  # type: ignore[attr-defined]  # -- annotated
        return PaymentLabel.WAIVED
    if payment.covers_itself:  # type: ignore[attr-defined]  # -- annotated
        return PaymentLabel.PAID
    if payment.covered_by_household:  # type: ignore[attr-defined]  # -- annotated
        return PaymentLabel.HOUSEHOLD_PAID
    if payment.status == PaymentStatus.LOST:
        return PaymentLabel.CHARGED_BACK
    return PaymentLabel.CLIENT_PAYS


def classified_as(payments: PaymentQuerySet, label: str) -> PaymentQuerySet:
    """Payments from `with_coverage` with this classification; all of them for an unknown one."""
    unpaid = Q(is_waived=False, covers_itself=False)
    conditions = {
        PaymentLabel.WAIVED: Q(is_waived=True),
        PaymentLabel.PAID: Q(is_waived=False, covers_itself=True),
        PaymentLabel.HOUSEHOLD_PAID: unpaid & Q(covered_by_household=True),
        PaymentLabel.CHARGED_BACK: unpaid & Q(covered_by_household=False, status=PaymentStatus.LOST),
        PaymentLabel.CLIENT_PAYS: unpaid & Q(covered_by_household=False) & ~Q(status=PaymentStatus.LOST),
    }
    return payments.filter(conditions[PaymentLabel(label)]) if label in PaymentLabel else payments


def joint_households(households: ScopedQuerySet) -> ScopedQuerySet:
    """Households with two clients."""
    return households.annotate(people=Count("enrollments__client", distinct=True)).filter(people__gte=JOINT)


@dataclass(frozen=True, slots=True)
class BillingSnapshot:
    """Where the money stands, over everything a person may see. Cents where the name says so.

    `failures` are declined cards and pages that closed unpaid; `by_hand` is part of `succeeded`. `paid_households` are
    joint households with a succeeded payment.
    """

    succeeded: int
    succeeded_cents: int
    refunded_cents: int
    pending: int
    failures: int
    by_hand: int
    waived: int
    waivers_waiting: int
    joint_enrollments: int
    joint_households: int
    paid_households: int


def billing_snapshot(actor: Actor) -> BillingSnapshot:
    """The snapshot of what `actor` may see, in four queries."""
    payments = Payment.objects.permitted_to(actor, "payments.view_payment")
    succeeded = Q(status=PaymentStatus.SUCCEEDED)
    money = payments.aggregate(
        succeeded=Count("pk", filter=succeeded),
        succeeded_cents=Sum("amount_cents", filter=succeeded, default=0),
        refunded_cents=Sum("refunded_cents", default=0),
        pending=Count("pk", filter=Q(status__in=OPEN - set(FAILURES))),
        failures=Count("pk", filter=Q(status__in=FAILURES)),
        by_hand=Count("pk", filter=succeeded & Q(source=PaymentSource.MANUAL)),
    )
    enrollments = Enrollment.objects.permitted_to(actor, "payments.view_payment")
    households = joint_households(Household.objects.permitted_to(actor, "payments.view_payment"))
    paid = Exists(payments.succeeded().filter(household=OuterRef("pk")))
    joint = households.annotate(is_paid=paid).values_list("pk", "is_paid")
    by_household = dict(joint)
    places = enrollments.aggregate(
        waived=Count("pk", filter=Q(has_fee_waiver=True)),
        joint_enrollments=Count("pk", filter=Q(household__in=list(by_household))),
    )
    waiting = FeeWaiver.objects.permitted_to(actor, "payments.view_feewaiver").waiting().count()
    return BillingSnapshot(
        **money, **places, waivers_waiting=waiting, joint_households=len(by_household),
        paid_households=sum(by_household.values()),
    )  # fmt: skip
