"""Money goes back once, never more than came, and the client is told."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction

from core import clock
from core.errors import DomainError
from jobs.models import Job
from notifications.models import Message
from payments.enums import PaymentSource, PaymentStatus, RefundStatus
from payments.models import Payment, Refund
from payments.services.refunds import refund_payment, refundable_cents
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import acting_as, fresh, invited, opened, tell
from tests.work import again, run_due

pytestmark = pytest.mark.django_db


def paid(world: World, fake: FakeStripe) -> Payment:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    return fresh(payment)


def refund(world: World, payment: Payment, cents: int, name: str = "provider_admin_a") -> Refund:
    with acting_as(world, name):
        return refund_payment(payment, cents, reason="The client moved away")


def refused(world: World, payment: Payment, cents: int) -> str:
    with pytest.raises(DomainError) as caught:
        refund(world, payment, cents)
    return caught.value.code


def test_a_refund_is_decided_by_the_provider_and_sent_by_the_worker(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)
    decided = refund(world, payment, 2000)
    assert fake.totals(payment.payment_intent_id)["refunded"] == 0

    run_due("payments.send_refund")

    assert fake.totals(payment.payment_intent_id)["refunded"] == 2000
    assert fresh(decided).status == RefundStatus.SUCCEEDED
    assert (fresh(payment).status, fresh(payment).refunded_cents) == (PaymentStatus.SUCCEEDED, 2000)
    with as_system():
        mail = Message.objects.get(event="refund.sent")
    assert "$20.00" in mail.text_body
    assert mail.to == world.client_a.email


def test_all_of_it_in_parts_makes_the_payment_refunded(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)
    refund(world, payment, 2000)
    assert refused(world, payment, 3001) == "refund_too_large"
    refund(world, payment, 3000)
    assert refused(world, payment, 1) == "refund_not_possible"

    run_due("payments.send_refund")

    assert (fresh(payment).status, fresh(payment).refunded_cents) == (PaymentStatus.REFUNDED, 5000)


@pytest.mark.parametrize("cents", [0, -1, 5001])
def test_no_amount_outside_what_is_left(world: World, fake: FakeStripe, cents: int) -> None:
    assert refused(world, paid(world, fake), cents) == "refund_too_large"


def test_only_money_that_arrived_goes_back(world: World, fake: FakeStripe) -> None:
    assert refused(world, opened(world, invited(world)), 100) == "refund_not_possible"


@pytest.mark.parametrize("after", [0, 6, 20, 120, 300, 700])
def test_a_cut_answer_gives_the_money_back_once(world: World, fake: FakeStripe, after: int) -> None:
    """M-10."""
    payment = paid(world, fake)
    decided = refund(world, payment, 2000)
    for _ in range(2):
        fake.cut_next(after, method="POST", path="/v1/refunds")
    for _ in range(3):
        run_due("payments.send_refund")
        with as_system():
            Job.objects.filter(kind="payments.send_refund").open().update(not_before=clock.now())

    assert fake.totals(payment.payment_intent_id)["refunded"] == 2000
    assert len(fake.totals(payment.payment_intent_id)["refunds"]) == 1
    assert fresh(decided).status == RefundStatus.SUCCEEDED


def test_a_fault_after_the_refund_was_made_is_looked_up_and_not_repeated(world: World, fake: FakeStripe) -> None:
    """M-12: the gateway repeats its fault for the key; after a day it would give the money again."""
    payment = paid(world, fake)
    decided = refund(world, payment, 2000)
    fake.fail_next(500, method="POST", path="/v1/refunds", effect="processed")
    [job] = run_due("payments.send_refund")
    assert again(job).state == "ready"
    fake.advance(25 * 3600)
    with as_system():
        Job.objects.filter(pk=job.pk).update(not_before=clock.now())

    run_due("payments.send_refund")

    assert fake.totals(payment.payment_intent_id)["refunded"] == 2000
    assert fresh(decided).status == RefundStatus.SUCCEEDED


def test_a_refund_the_gateway_refuses_is_failed_and_leaves_the_money(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)
    decided = refund(world, payment, 2000)
    fake.fail_next(400, method="POST", path="/v1/refunds")

    run_due("payments.send_refund")

    assert fresh(decided).status == RefundStatus.FAILED
    assert fresh(decided).failure != ""
    with as_system():
        assert refundable_cents(payment) == 5000


def test_a_payment_recorded_by_hand_is_given_back_by_hand(world: World) -> None:
    with as_system():
        payment = cases.make_payment(invited(world), source=PaymentSource.MANUAL)

    refund(world, payment, 5000)

    assert (fresh(payment).status, fresh(payment).refunded_cents) == (PaymentStatus.REFUNDED, 5000)
    with as_system():
        assert not Job.objects.filter(kind="payments.send_refund", subject_id=str(payment.pk)).exists()


def test_a_refund_needs_a_reason(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)

    with pytest.raises(DomainError) as caught, acting_as(world, "provider_admin_a"):
        refund_payment(payment, 100, reason=" ")

    assert caught.value.code == "reason_required"


def test_another_provider_cannot_give_it_back(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)

    with pytest.raises(Payment.DoesNotExist):
        refund(world, payment, 100, "provider_admin_b")


def test_the_database_itself_refuses_refunds_beyond_the_payment(world: World) -> None:
    with as_system():
        payment = cases.make_payment(invited(world), amount_cents=5000)
        cases.make_refund(payment, 3000)

    with pytest.raises(IntegrityError, match="exceed"), as_system(), transaction.atomic():
        cases.make_refund(payment, 2001)
    with as_system():
        cases.make_refund(payment, 2000)


@pytest.mark.parametrize("change", [{"amount_cents": 1}, {"currency": "EUR"}, {"idempotency_key": "other"}])
def test_what_was_paid_cannot_be_rewritten(world: World, change: dict[str, object]) -> None:
    """M-14 in small: not even by the worker's role."""
    with pytest.raises((InternalError, ProgrammingError), match="Cannot update"), as_system(), transaction.atomic():
        Payment.objects.filter(pk=world.payment_a.pk).update(**change)


def test_the_moment_of_arrival_stays_and_money_is_never_deleted(world: World) -> None:
    with pytest.raises((InternalError, ProgrammingError), match="Cannot update"), as_system(), transaction.atomic():
        Payment.objects.filter(pk=world.payment_a.pk).update(succeeded_at=clock.now())
    with pytest.raises((InternalError, ProgrammingError), match="Cannot delete"), as_system(), transaction.atomic():
        Refund.objects.filter(pk=world.refund_a.pk).delete()
