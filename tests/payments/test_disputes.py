"""A bank asks for money back: the payment is on hold, finance has a task, the course and the certificate go on."""

from __future__ import annotations

import pytest

from certificates.enums import CertificateStatus
from certificates.services.issuing import issue_certificate
from core.errors import DomainError
from enrollments.enums import PaymentLabel
from enrollments.models import Enrollment
from notifications.models import Message
from payments.enums import DisputeStatus, PaymentStatus
from payments.models import Dispute, Payment
from payments.queries import classification, classified_as, with_coverage
from payments.services.disputes import accept_dispute, answer_dispute
from payments.services.refunds import refund_payment
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import acting_as, fresh, invited, opened, tell
from tests.work import run_due

pytestmark = pytest.mark.django_db
DECIDE = "payments.send_dispute_decision"


def disputed(world: World, fake: FakeStripe) -> Dispute:
    """A client paid by card, and the bank asks for it back."""
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    fake.dispute(fresh(payment).payment_intent_id, reason="product_not_received")
    tell(fake)
    with as_system():
        return Dispute.objects.select_related("payment").get(payment=payment)


def decided(world: World, dispute: Dispute, evidence: str) -> Dispute:
    with acting_as(world, "provider_admin_a"):
        if evidence:
            answer_dispute(dispute, evidence=evidence)
        else:
            accept_dispute(dispute, reason="The client is right.")
    run_due(DECIDE)
    found: Dispute = fresh(dispute)
    return found


def test_a_dispute_holds_the_payment_and_tells_finance_by_when_to_answer(world: World, fake: FakeStripe) -> None:
    dispute = disputed(world, fake)
    run_due("payments.tell_dispute")

    assert (dispute.status, dispute.amount_cents, dispute.cause) == ("needs_response", 5000, "product_not_received")
    assert dispute.due_at is not None
    assert (dispute.due_at - dispute.opened_at).days == 9
    assert fresh(dispute.payment).status == PaymentStatus.DISPUTED
    with as_system():
        told = set(Message.objects.filter(event="dispute.opened").values_list("to", flat=True))
    assert told == {world.provider_admin_a.email, world.owner_a.email, world.platform_finance.email}


def test_nothing_goes_back_while_the_bank_decides_and_afterwards_only_when_it_was_won(
    world: World, fake: FakeStripe
) -> None:
    dispute = disputed(world, fake)
    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as caught:
        refund_payment(dispute.payment, 100, reason="Please")
    assert caught.value.code == "payment_disputed"

    fake.end_dispute(dispute.gateway_id, won=True)
    tell(fake)

    assert fresh(dispute).status == DisputeStatus.WON
    assert fresh(dispute).closed_at is not None
    with acting_as(world, "provider_admin_a"):
        assert refund_payment(dispute.payment, 100, reason="Please").amount_cents == 100


def test_a_lost_dispute_shows_as_charged_back(world: World, fake: FakeStripe) -> None:
    dispute = disputed(world, fake)
    fake.end_dispute(dispute.gateway_id, won=False)
    tell(fake)

    with as_system():
        rows = with_coverage(Payment.objects.filter(pk=dispute.payment_id))
        assert classification(rows.get()) == PaymentLabel.CHARGED_BACK
        assert [row.pk for row in classified_as(rows, "charged_back")] == [dispute.payment_id]
        assert list(classified_as(rows, "client_pays")) == []
    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError, match="took this payment back"):
        refund_payment(dispute.payment, 100, reason="Please")


@pytest.mark.parametrize(
    ("evidence", "status"),
    [
        ("The course was taken on May 3.", DisputeStatus.UNDER_REVIEW),
        ("winning_evidence", DisputeStatus.WON),
        ("losing_evidence", DisputeStatus.LOST),
        ("", DisputeStatus.LOST),
    ],
)
def test_our_decision_goes_to_the_bank_once(world: World, fake: FakeStripe, evidence: str, status: str) -> None:
    dispute = decided(world, disputed(world, fake), evidence)

    assert dispute.status == status
    book = fake.state.get("dispute", dispute.gateway_id)
    assert book["evidence"]["uncategorized_text"] == (evidence or None)
    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as caught:
        answer_dispute(dispute, evidence="Again")
    assert caught.value.code in ("dispute_decided", "dispute_over")


def test_a_lost_answer_of_the_gateway_sends_our_evidence_once(world: World, fake: FakeStripe) -> None:
    dispute = disputed(world, fake)
    for _ in range(2):
        fake.cut_next(0, method="POST", path=f"/v1/disputes/{dispute.gateway_id}")
    with acting_as(world, "provider_admin_a"):
        answer_dispute(dispute, evidence="The course was taken on May 3.")
    [job] = run_due(DECIDE)
    with as_system():
        type(job).objects.filter(pk=job.pk).update(not_before=job.created_at)
    run_due(DECIDE)

    assert fresh(dispute).status == DisputeStatus.UNDER_REVIEW
    assert fake.state.get("dispute", dispute.gateway_id)["evidence_details"]["submission_count"] == 1


def test_a_disputed_fee_withholds_no_certificate(world: World) -> None:
    """28 CFR 58.22(c), 58.35(c)."""
    with as_system():
        enrollment = Enrollment.objects.get(pk=world.completed_a.pk)
        cases.make_payment(enrollment, status=PaymentStatus.LOST)
        certificate = issue_certificate(enrollment)

    assert certificate.status == CertificateStatus.VALID
