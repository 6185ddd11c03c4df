from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentStatus(models.TextChoices):
    """`CREATED` is our intent; it becomes `PENDING` with the address of the card page, in the same transaction.

    `FAILED` is a declined card whose page is still open. `LOST` is money a bank took back after a dispute.
    """

    CREATED = "created", _("Created")
    PENDING = "pending", _("Waiting for the client")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("Expired")
    REFUNDED = "refunded", _("Refunded")
    DISPUTED = "disputed", _("Disputed")
    LOST = "lost", _("Lost in a dispute")


PAYMENT_TRANSITIONS = {
    PaymentStatus.CREATED: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.EXPIRED}
    ),
    PaymentStatus.PENDING: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.EXPIRED}),
    PaymentStatus.FAILED: frozenset({PaymentStatus.PENDING, PaymentStatus.SUCCEEDED, PaymentStatus.EXPIRED}),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.SUCCEEDED: frozenset({PaymentStatus.REFUNDED, PaymentStatus.DISPUTED, PaymentStatus.LOST}),
    PaymentStatus.DISPUTED: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED, PaymentStatus.LOST}),
    # A refund may fail days later, and a refunded payment may still be disputed.
    PaymentStatus.REFUNDED: frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.DISPUTED, PaymentStatus.LOST}),
    PaymentStatus.LOST: frozenset(),
}
OPEN = frozenset({PaymentStatus.CREATED, PaymentStatus.PENDING, PaymentStatus.FAILED})
ARRIVED = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED, PaymentStatus.DISPUTED, PaymentStatus.LOST})


class PaymentSource(models.TextChoices):
    CARD = "card", _("Card")
    MANUAL = "manual", _("Recorded by hand")


class RefundStatus(models.TextChoices):
    CREATED = "created", _("Created")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


REFUND_TRANSITIONS = {
    RefundStatus.CREATED: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset({RefundStatus.FAILED}),
    RefundStatus.FAILED: frozenset(),
}


class RefundMethod(models.TextChoices):
    """How money goes back: by the card service to the card it came from, or by the organization's own hand."""

    CARD = "card", _("To the card")
    MANUAL = "manual", _("By hand: check, cash or transfer")


class RefundCause(models.TextChoices):
    NOT_NEEDED = "not_needed", _("The client no longer needs the course")
    PAID_TWICE = "paid_twice", _("Paid twice")
    FEE_WAIVED = "fee_waived", _("The fee was waived or reduced")
    SERVICE = "service", _("We could not give the service")
    GOODWILL = "goodwill", _("Goodwill")
    OTHER = "other", _("Other")


class DisputeStatus(models.TextChoices):
    """How a dispute stands at the card service. `CLOSED` is an inquiry that never became a dispute."""

    NEEDS_RESPONSE = "needs_response", _("Needs an answer")
    UNDER_REVIEW = "under_review", _("With the bank")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")
    CLOSED = "closed", _("Closed")


# A bank may take its decision back, and an inquiry may become a dispute later.
DISPUTE_TRANSITIONS = {
    DisputeStatus.NEEDS_RESPONSE: frozenset(set(DisputeStatus) - {DisputeStatus.NEEDS_RESPONSE}),
    DisputeStatus.UNDER_REVIEW: frozenset(set(DisputeStatus) - {DisputeStatus.UNDER_REVIEW}),
    DisputeStatus.WON: frozenset({DisputeStatus.LOST}),
    DisputeStatus.LOST: frozenset({DisputeStatus.WON}),
    DisputeStatus.CLOSED: frozenset(set(DisputeStatus) - {DisputeStatus.CLOSED}),
}
DISPUTE_OPEN = frozenset({DisputeStatus.NEEDS_RESPONSE, DisputeStatus.UNDER_REVIEW})


class BankReason(models.TextChoices):
    """What banks give as reason of a dispute, in the card gateway's codes; a bank may send others."""

    BANK_CANNOT_PROCESS = "bank_cannot_process", _("The bank cannot process the payment")
    CHECK_RETURNED = "check_returned", _("Check returned")
    CREDIT_NOT_PROCESSED = "credit_not_processed", _("A promised refund did not arrive")
    CUSTOMER_INITIATED = "customer_initiated", _("The client asked the bank")
    DEBIT_NOT_AUTHORIZED = "debit_not_authorized", _("The client did not authorize the debit")
    DUPLICATE = "duplicate", _("Charged twice")
    FRAUDULENT = "fraudulent", _("The cardholder did not pay")
    GENERAL = "general", _("No particular reason")
    INCORRECT_ACCOUNT = "incorrect_account_details", _("Wrong account details")
    INSUFFICIENT_FUNDS = "insufficient_funds", _("Not enough money in the account")
    NOT_RECEIVED = "product_not_received", _("The service was not received")
    UNACCEPTABLE = "product_unacceptable", _("The service was not as described")
    SUBSCRIPTION_CANCELED = "subscription_canceled", _("The subscription was canceled")
    UNRECOGNIZED = "unrecognized", _("The cardholder does not recognize the payment")


class DisputeDecision(models.TextChoices):
    """What we do about a dispute."""

    NONE = "", _("Not decided")
    ANSWER = "answer", _("Answered")
    ACCEPT = "accept", _("Accepted")


class WaiverStatus(models.TextChoices):
    REQUESTED = "requested", _("Asked for")
    GRANTED = "granted", _("Granted")
    DENIED = "denied", _("Denied")
    WITHDRAWN = "withdrawn", _("Withdrawn")


WAIVER_TRANSITIONS = {
    WaiverStatus.REQUESTED: frozenset({WaiverStatus.GRANTED, WaiverStatus.DENIED, WaiverStatus.WITHDRAWN}),
    WaiverStatus.GRANTED: frozenset(),
    WaiverStatus.DENIED: frozenset({WaiverStatus.GRANTED}),
    WaiverStatus.WITHDRAWN: frozenset(),
}


class WaiverClass(models.TextChoices):
    """The three classes a semi-annual report counts (28 CFR 58.20(o), 58.33(m))."""

    MANDATORY_FULL = "mandatory_full", _("Presumed, full")
    MANDATORY_PARTIAL = "mandatory_partial", _("Presumed, reduced fee")
    VOLUNTARY = "voluntary", _("Voluntary")
