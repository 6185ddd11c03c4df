"""The client's pages around the fee: what it is, how to pay it, and how to ask not to."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from payments.enums import PaymentSource, PaymentStatus, WaiverStatus
from payments.models import FeeWaiver, Payment
from payments.services.waivers import decide_waiver
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.fakes.stripe.cards import DECLINED
from tests.payments.conftest import fake
from tests.payments.people import acting_as, asked, fresh, household, invited, opened, tell
from tests.web import sign_in

pytestmark = pytest.mark.django_db
__all__ = ["fake"]
WORKSHEET = {"household_size": "2", "income": "$1,500.00", "period": "month", "state": "CA", "explanation": "No job."}


def address(enrollment: Enrollment, more: str = "", prefix: str = "") -> str:
    return f"{prefix}/course/{enrollment.pk}{more}"


def seen(client: Client, enrollment: Enrollment, more: str = "", prefix: str = "") -> str:
    answer = client.get(address(enrollment, more, prefix))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def me(world: World, client: Client) -> Client:
    return sign_in(client, world.client_user_a)


def test_the_fee_and_the_waiver_come_before_the_button(world: World, me: Client, fake: FakeStripe) -> None:
    page = seen(me, invited(world))

    assert "$50.00" in page
    assert page.index("Ask for a fee waiver") < page.index("Pay $50.00 by card")
    assert "150 percent of the federal poverty guideline" in page


def test_the_button_leads_to_the_hosted_page(world: World, me: Client, fake: FakeStripe, settings: Settings) -> None:
    """CERT-82."""
    enrollment = invited(world)

    answer = me.post(address(enrollment, "/pay"))

    with as_system():
        payment = Payment.objects.get(enrollment=enrollment)
    assert (answer.status_code, answer["Location"]) == (303, payment.checkout_url)
    with fake.state.lock:
        session = fake.state.get("checkout.session", payment.checkout_session_id)
    assert session["success_url"] == f"{settings.SITE_URL.rstrip('/')}/course/{enrollment.pk}/paid"
    assert session["cancel_url"] == f"{settings.SITE_URL.rstrip('/')}/course/{enrollment.pk}"


def test_a_spanish_reader_comes_back_to_spanish(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world, language="es")

    me.post(address(enrollment, "/pay", "/es"))

    with fake.state.lock:
        [session] = fake.state.every("checkout.session")
    assert session["locale"] == "es"
    assert session["success_url"].endswith(f"/es/course/{enrollment.pk}/paid")


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_looking_at_the_address_of_the_button_opens_nothing(
    world: World, me: Client, fake: FakeStripe, method: str
) -> None:
    enrollment = invited(world)

    assert getattr(me, method)(address(enrollment, "/pay")).status_code == 405
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()


def test_a_gateway_without_an_answer_is_said_on_the_course_page(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    fake.fail_next(503, times=20)

    answer = me.post(address(enrollment, "/pay"), follow=True)

    assert "The card service did not answer." in answer.content.decode()
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()


def test_coming_back_waits_for_the_gateways_word_and_writes_nothing(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id)
    before = fresh(payment).updated_at

    page = seen(me, enrollment, "/paid")

    assert f'content="2;url=/course/{enrollment.pk}/paid?look=1"' in page
    assert (fresh(payment).status, fresh(payment).updated_at) == (PaymentStatus.PENDING, before)
    late = seen(me, enrollment, "/paid?look=20")
    assert "http-equiv" not in late
    assert "Please do not pay again" in late

    tell(fake)
    assert me.get(address(enrollment, "/paid"))["Location"] == f"/course/{enrollment.pk}#fee"
    page = seen(me, enrollment)
    assert "Your fee is paid. Thank you." in page
    assert "Receipt" in page


@pytest.mark.parametrize("look", ["-1", "x", "9" * 400, "٣"])
def test_nonsense_in_the_address_does_no_harm(world: World, me: Client, fake: FakeStripe, look: str) -> None:
    enrollment = invited(world)
    opened(world, enrollment)

    assert me.get(address(enrollment, "/paid"), {"look": look}).status_code == 200


def test_a_declined_card_is_said_with_the_way_on(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.pay(payment.checkout_session_id, card=DECLINED)
    tell(fake)

    page = seen(me, enrollment)

    assert "Your card was declined" in page
    assert "Try again to pay" in page
    assert me.post(address(enrollment, "/pay"))["Location"] == payment.checkout_url


def test_a_page_that_closed_is_said(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    payment = opened(world, enrollment)
    fake.expire(payment.checkout_session_id)
    tell(fake)

    assert "Your last card page has closed; nothing was charged." in seen(me, enrollment)


def test_without_a_card_service_the_provider_is_asked(world: World, me: Client, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = ""

    page = seen(me, invited(world))

    assert "Ask your provider how to pay." in page
    assert "by card" not in page


def test_a_spouse_reads_that_the_household_paid(world: World, client: Client, fake: FakeStripe) -> None:
    """CERT-67."""
    mine, theirs = household(world)
    assert "your spouse takes the course without paying again" in seen(sign_in(client, world.client_user_a), mine)
    with as_system():
        cases.make_payment(mine)

    page = seen(sign_in(client, world.spouse_user_a), theirs)

    assert "Your household&#x27;s payment covers you." in page
    assert "by card" not in page


def test_the_worksheet_counts_a_month_twelve_times_and_says_what_follows(
    world: World, me: Client, fake: FakeStripe
) -> None:
    enrollment = invited(world)
    page = seen(me, enrollment, "/waiver")
    assert "the law presumes that you cannot pay" in page
    assert "$2,705" in page

    answer = me.post(address(enrollment, "/waiver"), WORKSHEET)

    assert (answer.status_code, answer["Location"]) == (303, address(enrollment, "/waiver"))
    with as_system():
        waiver = FeeWaiver.objects.get(enrollment=enrollment)
    assert (waiver.annual_income_cents, waiver.is_presumed, waiver.explanation) == (1_800_000, True, "No job.")
    page = seen(me, enrollment, "/waiver")
    assert "There is nothing to pay meanwhile." in page
    assert "$18,000.00" in page
    assert "You asked for a fee waiver" in seen(me, enrollment)
    assert "waiver_open" not in seen(me, enrollment)
    me.post(address(enrollment, "/pay"))
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"household_size": "0"}, {"household_size": "31"}, {"household_size": ""}, {"income": "much"}, {"income": "-1"},
        {"income": "NaN"}, {"income": "Infinity"}, {"income": "1e99"}, {"income": ""}, {"period": "day"},
        {"state": "XX"}, {"state": ""}, {"explanation": "x" * 2001},
    ],
)  # fmt: skip
def test_a_wrong_answer_is_said_and_nothing_is_kept(
    world: World, me: Client, fake: FakeStripe, wrong: dict[str, str]
) -> None:
    enrollment = invited(world)

    answer = me.post(address(enrollment, "/waiver"), WORKSHEET | wrong)

    assert answer.status_code == 422
    assert "Error:" in answer.content.decode()
    with as_system():
        assert not FeeWaiver.objects.filter(enrollment=enrollment).exists()


def test_no_income_is_an_answer(world: World, me: Client, fake: FakeStripe) -> None:
    assert me.post(address(invited(world), "/waiver"), WORKSHEET | {"income": "0"}).status_code == 303


def test_the_request_can_be_taken_back(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    waiver = asked(world, enrollment)

    page = me.post(address(enrollment, "/waiver/withdraw"), follow=True).content.decode()

    assert fresh(waiver).status == WaiverStatus.WITHDRAWN
    assert "Pay $50.00 by card" in " ".join(page.split())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"grant": True}, "Your provider waived the fee."),
        ({"grant": True, "reduced_fee_cents": 2000}, "reduced by your provider, instead of $50.00"),
        ({"grant": False, "note": "You have savings."}, "You have savings."),
    ],
)
def test_the_answer_is_read_on_the_course_page(
    world: World, me: Client, fake: FakeStripe, answer: dict[str, Any], words: str
) -> None:
    enrollment = invited(world)
    waiver = asked(world, enrollment)
    with acting_as(world, "provider_admin_a"):
        decide_waiver(waiver, **answer)

    assert words in seen(me, enrollment)


def test_another_clients_pages_are_not_there(world: World, client: Client, fake: FakeStripe) -> None:
    foreign = invited(world, "b")
    for person in (world.client_user_a, world.provider_admin_b, world.stranger):
        sign_in(client, person)
        answers = [
            client.get(address(foreign, "/paid")), client.get(address(foreign, "/waiver")),
            client.post(address(foreign, "/pay")), client.post(address(foreign, "/waiver"), WORKSHEET),
            client.post(address(foreign, "/waiver/withdraw")),
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404] * 5
    with as_system():
        assert not Payment.objects.filter(enrollment=foreign).exists()
        assert not FeeWaiver.objects.filter(enrollment=foreign).exists()


def test_a_visitor_is_asked_to_sign_in(world: World, client: Client) -> None:
    answer = client.post(address(invited(world), "/pay"))

    assert (answer.status_code, "/accounts/login/" in answer["Location"]) == (302, True)


def test_money_that_came_by_hand_shows_its_receipt(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world, status=EnrollmentStatus.ENROLLED)
    with as_system():
        cases.make_payment(enrollment, source=PaymentSource.MANUAL, refunded_cents=1000)

    page = seen(me, enrollment)

    assert "Recorded by hand" in page
    assert "$10.00 returned" in page


def test_the_section_asks_the_database_few_times(world: World, me: Client, fake: FakeStripe) -> None:
    enrollment = invited(world)
    seen(me, enrollment)

    with CaptureQueriesContext(connection) as found:
        seen(me, enrollment)

    assert len(found) <= 35
