"""Tell the payer that money arrived or went back."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format
from django.utils.translation import override

from core import clock
from core.money import format_minor
from enrollments.models import Enrollment
from notifications.services import notify
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
    paid_at = payment.succeeded_at or clock.now()
    facts = {"method": payment.get_source_display, "paid_at": paid_at}
    _tell(payment, "payment.receipt", payment.amount_cents, f"payment:{payment.pk}:receipt", facts)


def send_refund_notice(refund: Refund) -> None:
    """Mail that a refund was made, once per refund."""
    _tell(refund.payment, "refund.sent", refund.amount_cents, f"refund:{refund.pk}:sent", {"paid_at": clock.now()})


def _tell(payment: Payment, event: str, amount: int, key: str, facts: dict[str, Any]) -> None:
    enrollment = payment.enrollment
    zone = ZoneInfo(find(enrollment.district_id).time_zone)
    with override(enrollment.language):
        context = {
            "organization_name": payment.provider.name,
            "first_name": enrollment.client.first_name,
            "course": enrollment.get_kind_display(),
            "amount": format_minor(amount, payment.currency),
            "number": receipt_number(payment),
            "day": date_format(facts["paid_at"].astimezone(zone).date(), "DATE_FORMAT"),
            "method": facts["method"]() if "method" in facts else "",
            "link": course_address(enrollment),
        }
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
