"""What became of some clients' money: given back in part, asked back in full, asked back by a bank."""

from __future__ import annotations

import datetime as dt
import uuid

from approvals.models import ApprovalRule
from core.transitions import transition
from payments.enums import PaymentSource, PaymentStatus, RefundCause, RefundMethod
from payments.models import Payment
from payments.refund_plans import RefundPlan
from payments.services.disputes import project_dispute
from payments.services.giving_back import REFUND, give_back
from website.demo.journey import Journey
from website.demo.stage import SYSTEM, step

LIMIT_CENTS = 2000
ANSWER_WITHIN = dt.timedelta(days=9)


def set_limit(journey: Journey) -> None:
    """Up to 20 dollars one person suffices at this provider."""
    with step(journey.clock, journey.cast.platform_admin):
        ApprovalRule.objects.get_or_create(
            organization=journey.enrollment.provider, kind=REFUND, defaults={"limit_cents": LIMIT_CENTS}
        )


def _payment(journey: Journey) -> Payment:
    return Payment.objects.succeeded().get(enrollment=journey.enrollment)


def refund_in_part(journey: Journey) -> None:
    """A small refund by check, for which one person suffices."""
    with step(journey.wait_for_office(5), journey.admin):
        payment = _payment(journey)
        give_back(
            RefundPlan(
                lines=((payment.pk, 1500),),
                reason="The spouse filed elsewhere; we agreed on a third.",
                method=RefundMethod.MANUAL,
                cause=RefundCause.GOODWILL,
                reference="Check 2207",
            )
        )


def ask_for_all(journey: Journey) -> None:
    """A refund above the limit: it waits for another person."""
    with step(journey.wait_for_office(5), journey.admin):
        payment = _payment(journey)
        give_back(
            RefundPlan(
                lines=((payment.pk, payment.amount_cents),),
                reason="Decided not to file and asks for the whole fee.",
                method=RefundMethod.MANUAL,
                cause=RefundCause.NOT_NEEDED,
                reference="Check 2211",
            )
        )


def bank_disputes(journey: Journey) -> None:
    """The bank of a client who paid by card asks for the money back; the certificate stays."""
    with step(journey.wait(6), SYSTEM):
        payment = transition(_payment(journey), PaymentStatus.DISPUTED)
        opened = journey.clock
        project_dispute(
            payment,
            {
                "id": f"du_demo_{uuid.uuid5(payment.pk, 'dispute').hex[:16]}",
                "amount": payment.amount_cents,
                "currency": payment.currency,
                "status": "needs_response",
                "reason": "product_not_received",
                "created": int(opened.timestamp()),
                "evidence_details": {"due_by": int((journey.now + ANSWER_WITHIN).timestamp())},
            },
        )


STORIES = {"part_refund": refund_in_part, "ask_refund": ask_for_all, "dispute": bank_disputes}
SOURCES = {"dispute": PaymentSource.CARD}


def source_of(journey: Journey) -> PaymentSource:
    """How this client paid; by check unless their story needs a card."""
    return SOURCES.get(journey.facts.get("money", ""), PaymentSource.MANUAL)


def tell(journey: Journey) -> None:
    """Play the client's story about money, if they have one."""
    story = STORIES.get(journey.facts.get("money", ""))
    if story is not None:
        set_limit(journey)
        story(journey)
