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


def pay_by_check(enrollment: Enrollment) -> Payment:
    """What `record_manual_payment` does, without its two conditions: the demo has a card service now, and these
    payments are older than it."""
    payment = Payment.objects.create(
        provider_id=enrollment.provider_id,
        enrollment=enrollment,
        household_id=enrollment.household_id,
        amount_cents=fee_cents(enrollment),
        source=PaymentSource.MANUAL,
        status=PaymentStatus.SUCCEEDED,
        succeeded_at=clock.now(),
        idempotency_key=f"manual-{uuid.uuid4().hex}",
        note=NOTE,
    )
    record("payment.recorded_by_hand", payment, reason=NOTE, payload={"amount_cents": payment.amount_cents})
    send_receipt(payment)
    settle(enrollment)
    return payment
