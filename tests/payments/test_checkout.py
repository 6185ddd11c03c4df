"""The card page: who may open it, for how much, and what survives lost answers and deaths."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from core import clock
from core.errors import DomainError
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from payments.enums import PaymentStatus
from payments.models import Payment
from payments.services.waivers import decide_waiver
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import acting_as, asked, fresh, household, invited, opened, opened_and_died, tell

pytestmark = pytest.mark.django_db


def refused(world: World, enrollment: Enrollment) -> str:
    with pytest.raises(DomainError) as caught:
        opened(world, enrollment)
    return caught.value.code


def sessions(fake: FakeStripe) -> list[dict[str, object]]:
    with fake.state.lock:
        return fake.state.every("checkout.session")


def test_the_card_page_carries_the_enrollment_and_the_amount_of_the_settings(world: World, fake: FakeStripe) -> None:
    """CERT-82."""
    enrollment = invited(world)

    payment = opened(world, enrollment)

    [session] = sessions(fake)
    assert session["metadata"] == {"payment_id": str(payment.pk), "enrollment_id": str(enrollment.pk)}
    assert (session["amount_total"], session["client_reference_id"]) == (5000, str(enrollment.pk))
    assert session["payment_method_types"] == ["card"]
    assert payment.checkout_url == session["url"]
    assert fresh(payment).status == PaymentStatus.PENDING


@pytest.mark.parametrize(("configured", "own", "due"), [(5000, None, 5000), (4000, None, 4000), (4000, 4900, 4900)])
def test_the_fee_is_the_providers_or_the_installations(
    world: World, fake: FakeStripe, settings: Settings, configured: int, own: int | None, due: int
) -> None:
    """CERT-84."""
    settings.COURSE_FEE_CENTS_DEFAULT = configured
    with as_system():
        profile = world.provider_a.provider_profile
        profile.fee_cents = own
        profile.save()

    assert opened(world, invited(world)).amount_cents == due


def test_without_a_key_nobody_pays_by_card(world: World, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    assert refused(world, invited(world)) == "cards_not_available"


def test_nothing_is_paid_before_the_disclosures(world: World, fake: FakeStripe) -> None:
    """CERT-79."""
    assert refused(world, invited(world, acknowledged=False)) == "disclosure_required"
    assert sessions(fake) == []


def test_what_is_settled_begun_or_asked_to_be_waived_is_not_paid(world: World, fake: FakeStripe) -> None:
    waived, begun, waiting, paid = invited(world), invited(world), invited(world), invited(world)
    with as_system():
        Enrollment.objects.filter(pk=waived.pk).update(has_fee_waiver=True)
        Enrollment.objects.filter(pk=begun.pk).update(status=EnrollmentStatus.IN_PROGRESS)
        cases.make_payment(paid)
    asked(world, waiting)

    assert refused(world, waived) == "nothing_to_pay"
    assert refused(world, begun) == "payment_not_open"
    assert refused(world, waiting) == "waiver_open"
    assert refused(world, paid) == "already_paid"
    assert sessions(fake) == []


def test_a_second_click_finds_the_same_page(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)

    first, second = opened(world, enrollment), opened(world, enrollment)

    assert first == second
    assert len(sessions(fake)) == 1


def test_a_page_that_is_about_to_close_is_not_offered_again(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    first = opened(world, enrollment)
    with as_system():
        Payment.objects.filter(pk=first.pk).update(created_at=clock.now() - timedelta(hours=23, minutes=1))

    assert opened(world, enrollment).checkout_session_id != first.checkout_session_id


def test_a_reduced_fee_opens_a_new_page_and_closes_the_old_one(world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    dear = opened(world, enrollment)
    waiver = asked(world, enrollment)
    with acting_as(world, "provider_admin_a"):
        decide_waiver(waiver, grant=True, reduced_fee_cents=2500)

    cheap = opened(world, enrollment)
    tell(fake)

    assert (dear.amount_cents, cheap.amount_cents) == (5000, 2500)
    assert [session["status"] for session in sessions(fake)] == ["expired", "open"]
    assert (fresh(dear).status, fresh(cheap).status) == (PaymentStatus.EXPIRED, PaymentStatus.PENDING)


def test_a_request_that_dies_after_the_answer_finds_its_page_when_repeated(world: World, fake: FakeStripe) -> None:
    """M-11: the process dies between the gateway's answer and the commit."""
    enrollment = invited(world)
    opened_and_died(world, enrollment)
    [orphan] = sessions(fake)
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()

    payment = opened(world, enrollment)

    assert payment.checkout_session_id == orphan["id"]
    assert len(sessions(fake)) == 1


def test_a_repeated_request_in_other_words_is_no_misuse_of_the_key(world: World, fake: FakeStripe) -> None:
    """M-12: the language or the e-mail changed between the two; the gateway would refuse the old key."""
    enrollment = invited(world)
    opened_and_died(world, enrollment)

    payment = opened(world, enrollment, success_url="http://127.0.0.1:9/es/paid")

    assert payment.status == PaymentStatus.PENDING
    assert len(sessions(fake)) == 2


def opened_in_the_end(world: World, enrollment: Enrollment, fake: FakeStripe) -> Payment:
    """Click, and click again when the page says that the card service did not answer."""
    try:
        return opened(world, enrollment)
    except DomainError as refusal:
        if refusal.code != "gateway_unavailable":
            raise
        fake.faults.clear()
        return opened(world, enrollment)


@pytest.mark.parametrize("after", [0, 5, 13, 60, 200, 400, 800, 1500])
def test_a_cut_answer_leads_to_one_page(world: World, fake: FakeStripe, after: int) -> None:
    """M-10. The library itself asks again once, so two answers in a row are cut."""
    enrollment = invited(world)
    fake.cut_next(after, method="POST", path="/v1/checkout/sessions")
    fake.cut_next(after, method="POST", path="/v1/checkout/sessions")
    payment = opened_in_the_end(world, enrollment, fake)

    assert [session["id"] for session in sessions(fake)] == [payment.checkout_session_id]


def test_a_fault_the_gateway_remembers_does_not_lock_the_client_out(world: World, fake: FakeStripe) -> None:
    """A 500 is repeated for its key for 24 hours."""
    enrollment = invited(world)
    fake.fail_next(500, method="POST", path="/v1/checkout/sessions", effect="processed")

    payment = opened(world, enrollment)

    assert payment.status == PaymentStatus.PENDING
    assert payment.checkout_session_id in [session["id"] for session in sessions(fake)]


def test_another_clients_enrollment_cannot_be_paid(world: World, fake: FakeStripe) -> None:
    foreign = invited(world, "b")

    with pytest.raises(Enrollment.DoesNotExist):
        opened(world, foreign)


def test_a_spouse_sees_the_households_payment_and_need_not_pay(world: World, fake: FakeStripe) -> None:
    """CERT-67."""
    mine, theirs = household(world)
    payment = opened(world, mine)
    fake.pay(payment.checkout_session_id)
    tell(fake)

    with pytest.raises(DomainError) as caught:
        opened(world, theirs, "spouse_user_a")

    assert caught.value.code == "already_paid"
    assert (fresh(mine).status, fresh(theirs).status) == (EnrollmentStatus.ENROLLED, EnrollmentStatus.ENROLLED)
