"""Open the card page for a client."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from core import clock
from core.errors import DomainError
from core.transitions import transition
from enrollments.enums import NOT_BEGUN
from enrollments.guards import disclosure_guard
from enrollments.models import Enrollment
from payments import gateway
from payments.enums import OPEN, PaymentStatus
from payments.fees import fee_cents, is_settled
from payments.models import FeeWaiver, Payment
from payments.services.settlement import lock_for_fee

# A hosted page lives 24 hours; one that may close while the client types is not offered again.
REUSABLE = dt.timedelta(hours=23)
# The gateway repeats a fault of its own for the key that met it, so a few keys are tried before giving up.
KEYS = 3
log = structlog.get_logger("certaos.payments")


@transaction.atomic
def start_checkout(enrollment: Enrollment, *, success_url: str, cancel_url: str) -> Payment:
    """A payment with the address of its card page. An open page for the same amount is used again.

    The payment's id and key follow from the enrollment, the attempt and the words of the request, so that a request
    which dies after the gateway answered finds the same page when it is repeated. DomainError: `disclosure_required`,
    `already_paid`, `nothing_to_pay`, `waiver_open`, `payment_not_open`, `cards_not_available`, `gateway_unavailable`.
    """
    locked = lock_for_fee(enrollment)
    amount = amount_due(locked)
    reusable = _open_payment(locked, amount)
    if reusable is not None:
        return reusable
    request, opened = _open_page(locked, amount, success_url, cancel_url)
    payment = Payment.objects.create(
        id=uuid.UUID(request.payment_id),
        provider_id=locked.provider_id,
        enrollment=locked,
        household_id=locked.household_id,
        amount_cents=amount,
        idempotency_key=request.key,
    )
    return transition(
        payment,
        PaymentStatus.PENDING,
        changes={"checkout_session_id": opened["id"], "checkout_url": opened["url"]},
        payload={"amount_cents": amount},
    )


def amount_due(enrollment: Enrollment) -> int:
    """What is to be paid now, in cents, always above zero. DomainError as for `start_checkout`."""
    if enrollment.status not in NOT_BEGUN:
        raise DomainError("payment_not_open")
    refusal = disclosure_guard(enrollment)
    if refusal is not None:
        raise refusal
    amount = fee_cents(enrollment)
    if amount == 0:
        raise DomainError("nothing_to_pay")
    if is_settled(enrollment):
        raise DomainError("already_paid")
    if FeeWaiver.objects.filter(enrollment=enrollment).waiting().exists():
        raise DomainError("waiver_open")
    return amount


def _open_payment(enrollment: Enrollment, amount: int) -> Payment | None:
    return (
        Payment.objects.filter(enrollment=enrollment, status__in=OPEN, amount_cents=amount)
        .filter(created_at__gt=clock.now() - REUSABLE)
        .exclude(checkout_url="")
        .order_by("-created_at")
        .first()
    )


def _open_page(
    enrollment: Enrollment, amount: int, success_url: str, cancel_url: str
) -> tuple[gateway.CheckoutRequest, dict[str, str]]:
    """Ask for a page. When the gateway remembers a fault for a key, the next key is tried: a page that may exist
    under the first is known to nobody and closes unpaid."""
    attempt = Payment.objects.filter(enrollment=enrollment).count() + 1
    for number in range(KEYS):
        request = checkout_request(enrollment, amount, success_url, cancel_url, name=f"{attempt}.{number}")
        try:
            return request, gateway.open_checkout(request)
        except gateway.Refused as error:
            log.exception("card page refused", enrollment=str(enrollment.pk))
            raise DomainError("gateway_unavailable") from error
        except gateway.OutcomeUnknown as error:
            if not error.remembered or number == KEYS - 1:
                raise DomainError("gateway_unavailable") from error
    raise DomainError("gateway_unavailable")


def checkout_request(
    enrollment: Enrollment, amount: int, success_url: str, cancel_url: str, *, name: str
) -> gateway.CheckoutRequest:
    """What the gateway is asked for; the same enrollment, attempt (`name`) and words always give the same key."""
    with override(enrollment.language):
        label = _("%(course)s course") % {"course": enrollment.get_kind_display()}
    words: dict[str, Any] = {
        "amount_cents": amount,
        "currency": "USD",
        "label": label,
        "email": enrollment.client.email,
        "locale": enrollment.language,
        "success_url": success_url,
        "cancel_url": cancel_url,
    }
    key = f"checkout-{enrollment.pk.hex}-{name}-{gateway.fingerprint(**words)}"
    return gateway.CheckoutRequest(
        payment_id=str(uuid.uuid5(enrollment.pk, key)), enrollment_id=str(enrollment.pk), key=key, **words
    )
