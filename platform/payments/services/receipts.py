"""Tell the payer that money arrived or went back."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from core import clock
from core.money import format_minor
from enrollments.models import Enrollment
from notifications.services import notify
from payments.enums import RefundMethod
from payments.models import Payment, Refund
from providers.districts import find


def receipt_number(payment: Payment) -> str:
    """What a receipt is called in mails, on the client's page and in the console: the start of the payment's id."""
    return payment.pk.hex[:10].upper()


def course_address(enrollment: Enrollment) -> str:
    """The absolute address of the client's course page in the enrollment's language."""
    prefix = "" if enrollment.language == settings.LANGUAGE_CODE else f"/{enrollment.language}"
    return f"{settings.SITE_URL.rstrip('/')}{prefix}/course/{enrollment.pk}"


def send_receipt(payment: Payment) -> None:
    """Mail the receipt, once per payment."""
    context = _money(payment, payment.amount_cents, payment.succeeded_at or clock.now())
    with override(payment.enrollment.language):
        context["rows"] = [
            (_("Amount"), context["amount"]), (_("For"), context["course"]), (_("Provider"), payment.provider.name),
            (_("Date"), context["day"]), (_("Paid by"), payment.get_source_display()),
            (_("Receipt number"), receipt_number(payment)),
        ]  # fmt: skip
    _tell(payment, "payment.receipt", context, f"payment:{payment.pk}:receipt")


def send_refund_notice(refund: Refund) -> None:
    """Mail that a refund was made, once per refund, unless the client is not to be told."""
    if refund.notifies_client:
        _tell(refund.payment, "refund.sent", refund_context(refund), f"refund:{refund.pk}:sent")


def refund_context(refund: Refund) -> dict[str, Any]:
    """What the mail about a refund says, in the client's language; for a refund that is not saved yet as well."""
    payment = refund.payment
    context = _money(payment, refund.amount_cents, clock.now())
    context["by_card"] = refund.method == RefundMethod.CARD
    with override(payment.enrollment.language):
        context["rows"] = [
            (_("Refund"), context["amount"]), (_("For"), context["course"]), (_("Provider"), payment.provider.name),
            (_("Date"), context["day"]), (_("Way back"), refund.get_method_display()),
            *([(_("Reference"), refund.reference)] if refund.reference else []),
            (_("Receipt number"), receipt_number(payment)),
        ]  # fmt: skip
    return context


def _money(payment: Payment, amount: int, at: dt.datetime) -> dict[str, Any]:
    enrollment = payment.enrollment
    zone = ZoneInfo(find(enrollment.district_id).time_zone)
    with override(enrollment.language):
        return {
            "organization_name": payment.provider.name,
            "first_name": enrollment.client.first_name,
            "course": enrollment.get_kind_display(),
            "amount": format_minor(amount, payment.currency),
            "day": date_format(at.astimezone(zone).date(), "DATE_FORMAT"),
            "link": course_address(enrollment),
        }


def _tell(payment: Payment, event: str, context: dict[str, Any], key: str) -> None:
    enrollment = payment.enrollment
    notify(
        event,
        to=enrollment.client.email,
        language=enrollment.language,
        context=context,
        dedupe_key=key,
        organization=payment.provider_id,
        person=enrollment.client.user_id,
        about=payment,
    )
