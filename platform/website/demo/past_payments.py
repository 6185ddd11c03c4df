"""Money that came before there was a card service here."""

from __future__ import annotations

import uuid

from audit.services import record
from core import clock
from enrollments.models import Enrollment
from payments.enums import PaymentSource, PaymentStatus
from payments.fees import fee_cents
from payments.models import Payment
from payments.services.receipts import send_receipt
from payments.services.settlement import settle

NOTE = "Check received at the office."


def pay_before(enrollment: Enrollment, source: PaymentSource = PaymentSource.MANUAL) -> Payment:
    """What `record_manual_payment` does, without its two conditions: the demo has a card service now, and these
    payments are older than it. One by card has no page at the card service, so nobody asks about it."""
    by_hand = source == PaymentSource.MANUAL
    payment = Payment.objects.create(
        provider_id=enrollment.provider_id,
        enrollment=enrollment,
        household_id=enrollment.household_id,
        amount_cents=fee_cents(enrollment),
        source=source,
        status=PaymentStatus.SUCCEEDED,
        succeeded_at=clock.now(),
        idempotency_key=f"{source}-{uuid.uuid4().hex}",
        note=NOTE if by_hand else "",
    )
    act, reason = ("payment.recorded_by_hand", NOTE) if by_hand else ("payment.succeeded", "")
    record(act, payment, reason=reason, payload={"amount_cents": payment.amount_cents})
    send_receipt(payment)
    settle(enrollment)
    return payment
