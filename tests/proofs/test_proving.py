"""The nightly proof: silent when the books agree, and one difference for each thing that does not, with its cure."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import SystemEvent
from core.errors import DomainError
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from notifications.models import Message
from payments.models import Payment, Refund
from proofs.enums import DifferenceKind, DifferenceStatus
from proofs.models import ProofDifference, ProofRun
from proofs.services.mending import ask_to_mend, explain
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import fresh, invited, opened
from tests.proofs.books import by_owner, given_back, open_kinds, paid, proven
from tests.work import run_due

pytestmark = pytest.mark.django_db(transaction=True)


def mended(difference: ProofDifference) -> ProofDifference:
    with as_system():
        ask_to_mend(ProofDifference.objects.get(pk=difference.pk))
    run_due("proofs.mend")
    return fresh(difference)


def test_books_that_agree_leave_nothing_unexplained(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)
    given_back(world, fake, payment, 1500)
    run = proven()
    assert (run.asked_gateway, run.payments, run.refunds) == (True, 1, 1)
    assert open_kinds() == {}


def test_a_payment_whose_event_never_came_is_found_and_mended(world: World, fake: FakeStripe) -> None:
    payment = opened(world, invited(world))
    fake.pay(payment.checkout_session_id)
    proven()
    [difference] = open_kinds().values()
    assert (difference.kind, difference.theirs_cents) == (DifferenceKind.PAYMENT_NOT_ARRIVED_HERE, 5000)
    assert mended(difference).status == DifferenceStatus.FIXED
    assert fresh(payment).status == "succeeded"


def test_a_refund_made_at_the_gateway_is_found_and_mended(world: World, fake: FakeStripe, databases: Databases) -> None:
    payment = paid(world, fake)
    given_back(world, fake, payment, 1500)
    by_owner(databases, "DELETE FROM payments_refund WHERE payment_id = %s", payment.pk)
    proven()
    found = open_kinds()
    assert set(found) == {DifferenceKind.REFUND_MISSING_HERE, DifferenceKind.REFUNDED_SUM}
    assert [mended(row).status for row in found.values()] == [DifferenceStatus.FIXED] * 2
    with as_system():
        assert Refund.objects.get(payment=payment).amount_cents == 1500


def test_a_payment_missing_from_our_books_is_written_anew(world: World, fake: FakeStripe, databases: Databases) -> None:
    payment = paid(world, fake)
    for table in ("payments_gatewayevent", "payments_payment"):
        column = "payment_id" if table.endswith("event") else "id"
        by_owner(databases, f"DELETE FROM {table} WHERE {column} = %s", payment.pk)
    proven()
    difference = open_kinds()[DifferenceKind.PAYMENT_MISSING_HERE]
    assert mended(difference).status == DifferenceStatus.FIXED
    with as_system():
        assert Payment.objects.get(pk=payment.pk).amount_cents == 5000


def test_a_dispute_we_did_not_hear_of_is_found_and_mended(world: World, fake: FakeStripe) -> None:
    payment = paid(world, fake)
    fake.dispute(payment.payment_intent_id)
    proven()
    difference = open_kinds()[DifferenceKind.DISPUTE]
    assert mended(difference).status == DifferenceStatus.FIXED
    assert fresh(payment).status == "disputed"


def test_refunds_that_do_not_add_up_are_found(world: World, fake: FakeStripe, databases: Databases) -> None:
    payment = paid(world, fake)
    by_owner(databases, "UPDATE payments_payment SET refunded_cents = 700 WHERE id = %s", payment.pk)
    proven()
    difference = open_kinds()[DifferenceKind.REFUNDED_SUM]
    assert (difference.ours_cents, difference.theirs_cents) == (700, 0)
    assert mended(difference).status == DifferenceStatus.FIXED
    assert fresh(payment).refunded_cents == 0


def test_a_paid_course_that_stayed_shut_is_found_and_opened(
    world: World, fake: FakeStripe, databases: Databases
) -> None:
    payment = paid(world, fake)
    by_owner(databases, "UPDATE enrollments_enrollment SET status = 'invited' WHERE id = %s", payment.enrollment_id)
    proven()
    difference = open_kinds()[DifferenceKind.FEE_NOT_SETTLED]
    assert mended(difference).status == DifferenceStatus.FIXED
    with as_system():
        assert Enrollment.objects.get(pk=payment.enrollment_id).status == EnrollmentStatus.ENROLLED


def test_a_difference_is_one_row_however_often_it_is_seen(world: World, fake: FakeStripe) -> None:
    fake.pay(opened(world, invited(world)).checkout_session_id)
    first, second = proven(), proven()
    [difference] = open_kinds().values()
    assert (difference.first_seen_id, difference.last_seen_id) == (first.pk, second.pk)
    assert (second.found, second.unexplained) == (0, first.unexplained)


def test_what_is_mended_elsewhere_is_gone_the_next_night(world: World, fake: FakeStripe) -> None:
    from tests.payments.people import tell  # noqa: PLC0415 -- the last thing that happens

    fake.pay(opened(world, invited(world)).checkout_session_id)
    proven()
    [difference] = open_kinds().values()
    tell(fake)
    assert proven().gone >= 1
    assert fresh(difference).status == DifferenceStatus.FIXED


def test_an_explained_difference_stays_quiet_until_it_changes(
    world: World, fake: FakeStripe, databases: Databases
) -> None:
    payment = paid(world, fake)
    by_owner(databases, "UPDATE payments_payment SET refunded_cents = 700 WHERE id = %s", payment.pk)
    proven()
    with as_system():
        explain(open_kinds()[DifferenceKind.REFUNDED_SUM], reason="Known; the gateway corrects it.")
    proven()
    assert open_kinds() == {}
    by_owner(databases, "UPDATE payments_payment SET refunded_cents = 900 WHERE id = %s", payment.pk)
    proven()
    assert open_kinds()[DifferenceKind.REFUNDED_SUM].ours_cents == 900


def test_finance_gets_a_mail_and_the_platform_an_event_only_when_something_is_unexplained(
    world: World, fake: FakeStripe
) -> None:
    proven()
    with as_system():
        for row in ProofDifference.objects.filter(status=DifferenceStatus.OPEN):
            explain(row, reason="The built world never met the gateway.")
        Message.objects.filter(event="proof.differences").delete()
        told = SystemEvent.objects.filter(source="proofs").count()
    assert proven().unexplained == 0
    with as_system():
        assert Message.objects.filter(event="proof.differences").count() == 0
    fake.pay(opened(world, invited(world)).checkout_session_id)
    proven()
    with as_system():
        assert Message.objects.get(event="proof.differences").to == world.platform_finance.email
        assert SystemEvent.objects.filter(source="proofs").count() == told + 1


def test_a_gateway_that_does_not_answer_leaves_no_proof_behind(world: World, fake: FakeStripe) -> None:
    from payments.gateway import OutcomeUnknown  # noqa: PLC0415 -- the one test that needs it

    with as_system():
        before = ProofRun.objects.count()
    fake.fail_next(500, path="/v1/refunds")
    fake.fail_next(500, path="/v1/refunds")
    with pytest.raises(OutcomeUnknown):
        proven()
    with as_system():
        assert ProofRun.objects.count() == before


def test_what_no_act_mends_says_so(world: World, fake: FakeStripe) -> None:
    with as_system():
        row: Any = ProofDifference.objects.get(pk=world.proof_difference_a.pk)
        row.kind = DifferenceKind.FEE_NEVER_PAID
        with pytest.raises(DomainError) as refused:
            ask_to_mend(row)
    assert refused.value.code == "no_fix_known"
