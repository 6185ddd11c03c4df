"""Events of the gateway are hints: whatever order, number or fate they have, the end is what the gateway says."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction

from core import clock
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from jobs.models import Job
from notifications.models import Message
from payments.enums import PaymentStatus, RefundStatus, WaiverStatus
from payments.gateway import EVENT_TYPES
from payments.models import FeeWaiver, GatewayEvent, Payment, Refund
from payments.services import events
from payments.services.events import apply_event, keep_event, receive_event
from payments.services.refunds import refund_payment
from payments.services.waivers import decide_waiver
from tests.database import as_system
from tests.factories.names import World
from tests.fakes.conftest import sdk_client
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.cards import DECLINED, SLOW_REFUND
from tests.payments.people import acting_as, asked, fresh, household, invited, opened, opened_and_died, tell
from tests.payments.signed import signed
from tests.work import run_due

pytestmark = pytest.mark.django_db


def mails(event: str) -> list[str]:
    with as_system():
        return list(Message.objects.filter(event=event).values_list("to", flat=True))


def test_money_that_arrived_opens_the_course_and_sends_a_receipt(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id)

    tell(fake)

    assert (fresh(payment).status, fresh(enrollment).status) == (PaymentStatus.SUCCEEDED, EnrollmentStatus.ENROLLED)
    assert fresh(payment).payment_intent_id.startswith("pi_")
    assert mails("payment.receipt") == [enrollment.client.email]
    with as_system():
        assert {event.payment_id for event in GatewayEvent.objects.exclude(applied_at=None)} == {payment.pk}


def test_an_event_told_again_changes_nothing(world: World, fake: FakeStripe) -> None:
    """CERT-83."""
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    with as_system():
        before = GatewayEvent.objects.count(), Job.objects.count(), fresh(payment).updated_at

    tell(fake)

    with as_system():
        assert (GatewayEvent.objects.count(), Job.objects.count(), fresh(payment).updated_at) == before


def test_a_declined_card_is_shown_and_the_next_try_counts(world: World, fake: FakeStripe) -> None:
    """CERT-81: pending and failed do not unlock."""
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id, card=DECLINED)
    tell(fake)
    assert (fresh(payment).status, fresh(payment).failure) == (PaymentStatus.FAILED, "card_declined")
    assert fresh(enrollment).status == EnrollmentStatus.INVITED
    assert opened(world, enrollment) == payment

    fake.pay(payment.checkout_session_id)
    tell(fake)

    assert (fresh(payment).status, fresh(payment).failure) == (PaymentStatus.SUCCEEDED, "")
    assert fresh(enrollment).status == EnrollmentStatus.ENROLLED


def test_a_page_that_closed_unpaid_is_expired_and_a_new_one_can_be_opened(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.expire(payment.checkout_session_id)
    tell(fake)
    assert fresh(payment).status == PaymentStatus.EXPIRED

    again = opened(world, enrollment)

    assert again.checkout_session_id != payment.checkout_session_id


def end_of(payment: Payment, enrollment: Enrollment) -> tuple[Any, ...]:
    """Everything events can change, in the system context."""
    payment, enrollment = Payment.objects.get(pk=payment.pk), Enrollment.objects.get(pk=enrollment.pk)
    receipts = Message.objects.filter(event="payment.receipt").count()
    refunds = payment.refunds.values_list("amount_cents", "status")
    return payment.status, payment.refunded_cents, enrollment.status, receipts, *refunds


def test_every_order_of_events_ends_the_same(world: World, fake: FakeStripe) -> None:
    """M-08 in small: declined, paid, partly refunded, disputed and won; ten orders with copies and losses, each from
    the same beginning."""
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id, card=DECLINED)
    fake.pay(payment.checkout_session_id)
    refund_at_gateway(fake, payment, 1500)
    fake.end_dispute(fake.dispute(fake_intent(fake, payment))["id"], won=True)
    log = [event for event in fake.events() if event["type"] in EVENT_TYPES]
    seed = random.Random(20261120)
    ends = set()

    with as_system():
        for _ in range(10):
            beginning = transaction.savepoint()
            for event in seed.sample(log + log, k=len(log)):
                keep_event(event)
                apply_event(event["id"])
            ends.add(end_of(payment, enrollment))
            transaction.savepoint_rollback(beginning)

    assert ends == {("succeeded", 1500, "enrolled", 1, (1500, "succeeded"))}


def fake_intent(fake: FakeStripe, payment: Payment) -> str:
    with fake.state.lock:
        intent: str = fake.state.get("checkout.session", payment.checkout_session_id)["payment_intent"]
    return intent


def test_a_refund_told_before_the_payment_ends_like_the_other_order(world: World, fake: FakeStripe) -> None:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    tell(fake)
    with as_system():
        refund_payment(payment, 1500, reason="Overcharged")
    run_due("payments.send_refund")
    other = opened(world, invited(world))
    fake.pay(other.checkout_session_id)
    refund_at_gateway(fake, other, 5000)

    for event in reversed(fake.events()):
        receive_event(*signed(fake, event))
        run_due("payments.apply_event")

    assert (fresh(payment).status, fresh(payment).refunded_cents) == (PaymentStatus.SUCCEEDED, 1500)
    assert (fresh(other).status, fresh(other).refunded_cents) == (PaymentStatus.REFUNDED, 5000)
    with as_system():
        mirrored = Refund.objects.get(payment=other)
    assert (mirrored.status, mirrored.amount_cents) == (RefundStatus.SUCCEEDED, 5000)


def refund_at_gateway(fake: FakeStripe, payment: Payment, amount: int) -> dict[str, Any]:
    """Somebody gives money back in the gateway's own pages."""
    made = sdk_client(fake).v1.refunds.create({"payment_intent": fake_intent(fake, payment), "amount": amount})
    return made.to_dict()


@pytest.mark.parametrize(("won", "end"), [(True, PaymentStatus.SUCCEEDED), (False, PaymentStatus.LOST)])
def test_a_dispute_suspends_the_payment_until_it_is_decided(
    world: World, fake: FakeStripe, won: bool, end: PaymentStatus
) -> None:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    dispute = fake.dispute(fake_intent(fake, payment))
    tell(fake)
    assert fresh(payment).status == PaymentStatus.DISPUTED

    fake.end_dispute(dispute["id"], won=won)
    tell(fake)

    assert fresh(payment).status == end


def test_a_disputed_payment_does_not_open_a_course(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id)
    fake.dispute(fake_intent(fake, payment))

    tell(fake)

    assert fresh(enrollment).status == EnrollmentStatus.INVITED


def test_an_event_about_somebody_elses_money_is_kept_and_changes_nothing(world: World, fake: FakeStripe) -> None:
    event = {
        "id": "evt_foreign", "object": "event", "type": "checkout.session.completed", "created": 1_760_000_000,
        "livemode": False, "data": {"object": {"id": "cs_foreign", "object": "checkout.session", "metadata": {}}},
    }  # fmt: skip

    receive_event(*signed(fake, event))
    run_due("payments.apply_event")

    with as_system():
        kept = GatewayEvent.objects.get(event_id="evt_foreign")
    assert (kept.outcome, kept.payment_id) == ("About no payment of ours.", None)


def test_a_paid_page_whose_request_died_is_restored(world: World, fake: FakeStripe) -> None:
    """M-11: the client could only have the address from a lost answer, but money must never be without a row."""
    enrollment = invited(world)
    lost = opened_and_died(world, enrollment)
    fake.pay(lost.checkout_session_id)

    tell(fake)

    restored = fresh(lost)
    assert (restored.status, restored.amount_cents) == (PaymentStatus.SUCCEEDED, 5000)
    assert fresh(enrollment).status == EnrollmentStatus.ENROLLED


def test_lost_events_are_fetched_and_quiet_payments_asked_about(world: World, fake: FakeStripe) -> None:
    """M-08: drops are healed. One payment's events come from the gateway's log, the other is asked about."""
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    dispute = fake.dispute(fake_intent(fake, payment))
    fake.end_dispute(dispute["id"], won=False)
    with as_system():
        GatewayEvent.objects.exclude(payload={}).delete()
        assert events.keep_missed_events() == sum(event["type"] in EVENT_TYPES for event in fake.events())
        assert events.keep_missed_events() == 0
    run_due("payments.apply_event")
    assert fresh(payment).status == PaymentStatus.LOST

    quiet = opened(world, invited(world))
    fake.pay(quiet.checkout_session_id)
    with as_system():
        assert events.ask_about_open_payments() == 0
        Payment.objects.filter(pk=quiet.pk).update(created_at=clock.now() - events.QUIET)
        assert events.ask_about_open_payments() == 1
    run_due("payments.ask_gateway")
    assert fresh(quiet).status == PaymentStatus.SUCCEEDED


def test_a_household_that_paid_twice_gets_one_payment_back(world: World, fake: FakeStripe) -> None:
    """M-16."""
    mine, theirs = household(world)
    first, second = opened(world, mine), opened(world, theirs, "spouse_user_a")
    fake.pay(first.checkout_session_id)
    fake.pay(second.checkout_session_id)

    tell(fake)
    tell(fake)

    assert sorted([fresh(first).status, fresh(second).status]) == [PaymentStatus.REFUNDED, PaymentStatus.SUCCEEDED]
    assert (fresh(mine).status, fresh(theirs).status) == (EnrollmentStatus.ENROLLED, EnrollmentStatus.ENROLLED)
    kept = [fake.totals(fake_intent(fake, each))["kept"] for each in (first, second)]
    assert sorted(kept) == [0, 5000]


@pytest.mark.parametrize(("reduced", "back"), [(None, 5000), (2000, 3000)])
def test_what_a_waiver_took_off_while_the_client_paid_is_given_back(
    world: World, fake: FakeStripe, reduced: int | None, back: int
) -> None:
    """M-16: the page was open when the waiver was asked for, and was paid before it could be closed."""
    enrollment = invited(world)
    payment = opened(world, enrollment)
    waiver = asked(world, enrollment)
    with acting_as(world, "provider_admin_a"):
        decide_waiver(waiver, grant=True, reduced_fee_cents=reduced)
    fake.pay(payment.checkout_session_id)

    tell(fake)
    tell(fake)

    assert fresh(payment).refunded_cents == back
    assert fresh(enrollment).status == EnrollmentStatus.ENROLLED


def test_a_waiver_nobody_decided_is_withdrawn_when_the_fee_arrives(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    waiver = asked(world, enrollment)
    fake.pay(payment.checkout_session_id)

    tell(fake)

    assert fresh(waiver).status == WaiverStatus.WITHDRAWN
    assert fresh(payment).status == PaymentStatus.SUCCEEDED


def test_money_for_a_cancelled_enrollment_goes_back(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    with as_system():
        Enrollment.objects.filter(pk=enrollment.pk).update(status=EnrollmentStatus.CANCELLED)
    fake.pay(payment.checkout_session_id)

    tell(fake)
    tell(fake)

    assert (fresh(payment).status, fresh(enrollment).status) == (PaymentStatus.REFUNDED, EnrollmentStatus.CANCELLED)


def test_a_refund_that_fails_days_later_makes_the_payment_whole_again(world: World, fake: FakeStripe) -> None:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id, card=SLOW_REFUND)
    tell(fake)
    with as_system():
        refund = refund_payment(fresh(payment), 5000, reason="Cancelled")
    run_due("payments.send_refund")
    assert (fresh(refund).status, fresh(payment).status) == (RefundStatus.CREATED, PaymentStatus.REFUNDED)

    fake.finish_refund(fresh(refund).gateway_id, "failed")
    tell(fake)

    assert (fresh(refund).status, fresh(payment).status) == (RefundStatus.FAILED, PaymentStatus.SUCCEEDED)
    assert fresh(payment).refunded_cents == 0
    assert mails("refund.sent") == []


def test_an_event_without_an_answer_is_tried_again(world: World, fake: FakeStripe) -> None:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    fake.fail_next(503, method="GET", path="/v1/checkout/sessions/*", times=2)
    [event] = fake.events("checkout.session.completed")
    receive_event(*signed(fake, event))

    [job] = run_due("payments.apply_event")
    assert (job.state, job.attempts, "OutcomeUnknown" in job.last_error) == ("ready", 1, True)
    with as_system():
        Job.objects.filter(pk=job.pk).update(not_before=clock.now())
    run_due("payments.apply_event")

    assert fresh(payment).status == PaymentStatus.SUCCEEDED


def test_a_waiver_of_the_world_belongs_to_its_provider_only(world: World) -> None:
    with acting_as(world, "provider_admin_b"):
        assert not FeeWaiver.objects.filter(pk=world.waiver_a.pk).exists()
        with pytest.raises(Enrollment.DoesNotExist):
            decide_waiver(world.waiver_a, grant=True)


def test_an_event_is_kept_once_however_often_it_is_told(world: World, fake: FakeStripe) -> None:
    event = {"id": "evt_same", "type": "charge.refunded", "created": 1_760_000_000, "data": {"object": {}}}

    for _ in range(3):
        keep_event(event)

    with as_system():
        assert GatewayEvent.objects.filter(event_id="evt_same").count() == 1
        assert Job.objects.filter(dedupe_key="gateway-event:evt_same").count() == 1
