"""The course fee on the person's one page: what it is, how not to pay it, how to pay it, and how it stands."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.money import format_minor
from enrollments.enums import NOT_BEGUN, EnrollmentStatus
from enrollments.models import Enrollment
from payments import gateway
from payments.enums import ARRIVED, OPEN, PaymentStatus, WaiverStatus
from payments.fees import fee_cents
from payments.models import FeeWaiver, Payment
from payments.services.receipts import receipt_number
from providers.fees import provider_fee_cents
from website.components import Fact
from website.offers import spoken, waiver_rule


def section(request: HttpRequest, enrollment: Enrollment) -> dict[str, Any] | None:
    """What `website/sections/payments.html` shows; None once the course has begun and for a course without a fee.

    `state` is settled (with `settled` as its sentence), asked (a waiver waits for the provider) or due.
    """
    if enrollment.status not in NOT_BEGUN or provider_fee_cents(enrollment.provider) == 0:
        return None
    payments = list(Payment.objects.covering(enrollment).order_by("-created_at"))
    waivers = list(FeeWaiver.objects.filter(enrollment=enrollment).order_by("-created_at"))
    settled = _settled(enrollment, payments)
    if settled is not None:
        return {"state": "settled", "settled": settled, "receipts": _receipts(enrollment, payments)}
    asked = next((waiver for waiver in waivers if waiver.status == WaiverStatus.REQUESTED), None)
    if asked is not None:
        return {"state": "asked", "waiver_url": reverse("website:waiver", args=[enrollment.pk])}
    if enrollment.status != EnrollmentStatus.INVITED:
        return None
    return _due(enrollment, payments, waivers)


def _settled(enrollment: Enrollment, payments: list[Payment]) -> str | None:
    """Why nothing is left to pay, in a sentence; None while something is."""
    if enrollment.has_fee_waiver:
        return _("Your provider waived the fee. You do not pay anything.")
    paid = [payment for payment in payments if payment.status == PaymentStatus.SUCCEEDED]
    if not paid:
        return None
    if any(payment.enrollment_id == enrollment.pk for payment in paid):
        return _("Your fee is paid. Thank you.")
    return _("Your household's payment covers you. You do not pay anything.")


def _receipts(enrollment: Enrollment, payments: list[Payment]) -> list[Fact]:
    """One line for each payment of the person that arrived."""
    arrived = [each for each in payments if each.status in ARRIVED and each.enrollment_id == enrollment.pk]
    return [Fact(_("Receipt %(number)s") % {"number": receipt_number(each)}, _receipt(each)) for each in arrived]


def _receipt(payment: Payment) -> str:
    day = date_format(payment.succeeded_at, "DATE_FORMAT") if payment.succeeded_at else ""
    parts = [format_minor(payment.amount_cents, payment.currency), payment.get_source_display(), day]
    if payment.refunded_cents:
        given = format_minor(payment.refunded_cents, payment.currency)
        parts.append(_("%(amount)s returned") % {"amount": given})
    return " · ".join(part for part in parts if part)


def _due(enrollment: Enrollment, payments: list[Payment], waivers: list[FeeWaiver]) -> dict[str, Any]:
    own = [payment for payment in payments if payment.enrollment_id == enrollment.pk]
    newest = own[0] if own else None
    decided = next((waiver for waiver in waivers if waiver.status != WaiverStatus.WITHDRAWN), None)
    usual = provider_fee_cents(enrollment.provider)
    fee = fee_cents(enrollment)
    return {
        "state": "due",
        "fee": format_minor(fee),
        "usual_fee": format_minor(usual) if fee < usual else "",
        "is_household": enrollment.household_id is not None,
        "waiver_rule": waiver_rule(),
        "waiver_url": "" if fee < usual else reverse("website:waiver", args=[enrollment.pk]),
        "denied": decided if decided is not None and decided.status == WaiverStatus.DENIED else None,
        "pay_url": reverse("website:pay", args=[enrollment.pk]) if gateway.is_configured() else "",
        "has_failed": newest is not None and newest.status == PaymentStatus.FAILED,
        "is_open": newest is not None and newest.status in OPEN,
        "has_expired": newest is not None and newest.status == PaymentStatus.EXPIRED,
        "was_disputed": any(payment.status in (PaymentStatus.DISPUTED, PaymentStatus.LOST) for payment in own),
        "receipts": _receipts(enrollment, payments),
        "refund_policy": spoken(enrollment.provider.provider_profile, "refund_policy"),
    }
