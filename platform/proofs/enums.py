from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DifferenceKind(models.TextChoices):
    """What does not fit. `ours` is our books, `theirs` the gateway's."""

    PAYMENT_MISSING_HERE = "payment_missing_here", _("The gateway took money we know nothing of")
    PAYMENT_NOT_ARRIVED_HERE = "payment_not_arrived_here", _("Paid at the gateway, not in our books")
    PAYMENT_MISSING_THERE = "payment_missing_there", _("Paid in our books, not at the gateway")
    PAYMENT_AMOUNT = "payment_amount", _("The amounts of a payment differ")
    REFUND_MISSING_HERE = "refund_missing_here", _("A refund at the gateway is missing in our books")
    REFUND_MISSING_THERE = "refund_missing_there", _("A refund in our books is missing at the gateway")
    REFUND_STATE = "refund_state", _("A refund stands otherwise at the gateway")
    REFUND_AMOUNT = "refund_amount", _("The amounts of a refund differ")
    DISPUTE = "dispute", _("A dispute at the gateway is not in our books")
    REFUNDED_SUM = "refunded_sum", _("The refunds of a payment do not add up to what it says")
    FEE_NOT_SETTLED = "fee_not_settled", _("Paid, but the course is not open")
    FEE_NEVER_PAID = "fee_never_paid", _("The course is open without payment or waiver")


class DifferenceStatus(models.TextChoices):
    OPEN = "open", _("Unexplained")
    FIXED = "fixed", _("Fixed")
    EXPLAINED = "explained", _("Explained")


DIFFERENCE_TRANSITIONS = {
    DifferenceStatus.OPEN: frozenset({DifferenceStatus.FIXED, DifferenceStatus.EXPLAINED}),
    DifferenceStatus.FIXED: frozenset({DifferenceStatus.OPEN}),
    DifferenceStatus.EXPLAINED: frozenset({DifferenceStatus.OPEN, DifferenceStatus.FIXED}),
}
