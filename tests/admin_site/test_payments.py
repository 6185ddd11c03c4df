"""Money in the console: lists, refunds, waivers, payments by hand, and the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from core.context import acting
from enrollments.enums import EnrollmentStatus, PaymentLabel
from enrollments.models import Enrollment
from jobs.enums import JobState
from jobs.models import Job
from jobs.services import enqueue
from organizations.actors import load_actor
from payments.enums import PaymentSource, PaymentStatus, WaiverStatus
from payments.models import FeeWaiver, GatewayEvent, Payment, Refund
from payments.queries import billing_snapshot, classification, classified_as, with_coverage
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.payments.people import asked, fresh, household, invited
from tests.web import sign_in

pytestmark = pytest.mark.django_db
LIST_BUDGET = 15


def as_person(client: Client, world: World, name: str) -> Client:
    return sign_in(client, getattr(world, name))


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize("model", [Payment, Refund, FeeWaiver, GatewayEvent])
def test_lists_open_for_those_who_may_and_for_nobody_else(world: World, client: Client, model: type) -> None:
    allowed = ["platform_admin"] if model is GatewayEvent else ["platform_admin", "provider_admin_a", "owner_a"]
    refused = ["counselor_a", "attorney_a"] + (["provider_admin_a"] if model is GatewayEvent else [])

    assert {as_person(client, world, name).get(addresses.listing(model)).status_code for name in allowed} == {200}
    assert {as_person(client, world, name).get(addresses.listing(model)).status_code for name in refused} == {403}


def test_a_foreign_payment_and_waiver_are_as_absent_as_none(world: World, client: Client) -> None:
    as_person(client, world, "provider_admin_a")

    for row in (world.payment_b, world.refund_b, world.waiver_b):
        assert client.get(addresses.record(row)).status_code == 404
    assert client.post(addresses.record(world.payment_b, "refund"), {"amount": "1"}).status_code == 404
    assert client.post(addresses.action(world.waiver_b, "waive"), {}).status_code == 404


def test_the_list_shows_every_column_and_exports(world: World, client: Client) -> None:
    """CERT-89."""
    page = as_person(client, world, "provider_admin_a").get(addresses.listing(Payment)).content.decode()

    for text in ("Provider A", "Succeeded", "Card", "$50.00", "Paid", "Individual"):
        assert text in page
    assert "classification=paid" in page


@pytest.mark.parametrize(
    ("action", "data", "status", "place"),
    [
        ("waive", {"note": ""}, WaiverStatus.GRANTED, EnrollmentStatus.ENROLLED),
        ("reduce", {"fee": "20", "note": ""}, WaiverStatus.GRANTED, EnrollmentStatus.INVITED),
        ("deny", {"note": "Savings."}, WaiverStatus.DENIED, EnrollmentStatus.INVITED),
    ],
)
def test_a_waiver_is_decided_from_its_record(
    world: World, client: Client, action: str, data: dict[str, str], status: str, place: str
) -> None:
    waiver = asked(world, invited(world))
    as_person(client, world, "provider_admin_a")
    page = client.get(addresses.record(waiver)).content.decode()
    assert "Presumed unable to pay" in page

    client.post(addresses.action(waiver, action), data)

    decided = fresh(waiver)
    assert (decided.status, decided.decided_by_id) == (
        status, world.provider_admin_a.pk,
    )  # fmt: skip
    with as_system():
        assert Enrollment.objects.get(pk=waiver.enrollment_id).status == place


def test_a_payment_by_hand_is_recorded_on_the_enrollment(world: World, client: Client, settings: Settings) -> None:
    """CERT-85: and with a key of the card service neither the button nor its address is there."""
    settings.STRIPE_SECRET_KEY, settings.MANUAL_PAYMENT_FALLBACK_ENABLED = "", True
    enrollment = invited(world)
    as_person(client, world, "provider_admin_a")
    url = addresses.action(enrollment, "record_payment")
    assert url in client.get(addresses.record(enrollment)).content.decode()

    settings.STRIPE_SECRET_KEY = "sk_test_x"
    assert url not in client.get(addresses.record(enrollment)).content.decode()
    assert (client.get(url).status_code, client.post(url, {"reason": "Cash"}).status_code) == (404, 404)
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()

    settings.STRIPE_SECRET_KEY = ""
    told = client.post(url, {"reason": "Check 1042"}, follow=True)
    assert "$50.00 is recorded as paid." in said(told)
    with as_system():
        assert Payment.objects.get(enrollment=enrollment).source == PaymentSource.MANUAL


def test_an_event_that_was_given_up_can_be_applied_again(world: World, client: Client) -> None:
    with as_system():
        job = enqueue("payments.apply_event", dedupe_key="gateway-event:evt_1", params={"event_id": "evt_1"})
    as_person(client, world, "platform_admin")
    url = addresses.action(world.gateway_event, "apply_again")
    assert "waiting for the worker" in client.get(url).content.decode()
    with as_system():
        Job.objects.filter(pk=job.pk).update(state=JobState.PARKED)

    client.post(url, {"reason": "The card service is back"})

    assert fresh(job).state == JobState.READY


def ledger(world: World) -> None:
    """Payments and waivers of every kind at provider A, beside what the world has."""
    mine, both = household(world)[0], household(world)
    waived, failed, by_hand, back = invited(world), invited(world), invited(world), invited(world)
    with as_system():
        cases.make_payment(mine)
        cases.make_payment(both[0], status=PaymentStatus.PENDING, succeeded_at=None)
        cases.make_payment(failed, status=PaymentStatus.FAILED, succeeded_at=None)
        cases.make_payment(failed, status=PaymentStatus.EXPIRED, succeeded_at=None)
        cases.make_payment(by_hand, source=PaymentSource.MANUAL, amount_cents=4000)
        cases.make_payment(back, status=PaymentStatus.REFUNDED, refunded_cents=5000)
        Enrollment.objects.filter(pk=waived.pk).update(has_fee_waiver=True)


SQL = {
    "succeeded": "SELECT count(*) FROM payments_payment WHERE status = 'succeeded' AND {mine}",
    "succeeded_cents": "SELECT coalesce(sum(amount_cents), 0) FROM payments_payment"
    " WHERE status = 'succeeded' AND {mine}",
    "refunded_cents": "SELECT coalesce(sum(refunded_cents), 0) FROM payments_payment WHERE {mine}",
    "pending": "SELECT count(*) FROM payments_payment WHERE status IN ('created', 'pending') AND {mine}",
    "failures": "SELECT count(*) FROM payments_payment WHERE status IN ('failed', 'expired') AND {mine}",
    "by_hand": "SELECT count(*) FROM payments_payment WHERE source = 'manual' AND status = 'succeeded' AND {mine}",
    "waived": "SELECT count(*) FROM enrollments_enrollment WHERE has_fee_waiver AND {mine}",
    "waivers_waiting": "SELECT count(*) FROM payments_feewaiver WHERE status = 'requested' AND {mine}",
    "joint_enrollments": "SELECT count(*) FROM enrollments_enrollment e WHERE e.household_id IN ({joint}) AND {mine}",
    "joint_households": "SELECT count(*) FROM ({joint}) AS j",
    "paid_households": "SELECT count(*) FROM ({joint}) AS j WHERE EXISTS (SELECT 1 FROM payments_payment p"
    " WHERE p.household_id = j.household_id AND p.status = 'succeeded')",
}
JOINT = (
    "SELECT household_id FROM enrollments_enrollment WHERE household_id IS NOT NULL AND {mine}"
    " GROUP BY household_id HAVING count(DISTINCT client_id) > 1"
)


@pytest.mark.parametrize("name", ["platform_admin", "provider_admin_a", "provider_admin_b"])
def test_the_snapshot_equals_counts_in_sql(world: World, name: str) -> None:
    """CERT-86, CERT-87."""
    ledger(world)
    homes = {"provider_admin_a": world.provider_a.pk, "provider_admin_b": world.provider_b.pk}
    mine = f"provider_id = '{homes[name]}'" if name in homes else "true"
    with as_system(), connection.cursor() as cursor:
        expected = {}
        for number, query in SQL.items():
            cursor.execute(query.format(mine=mine, joint=JOINT.format(mine=mine)))
            expected[number] = cursor.fetchone()[0]
        actor = load_actor(getattr(world, name))

    with acting(actor):
        snapshot = billing_snapshot(actor)

    assert {number: getattr(snapshot, number) for number in SQL} == expected
    if name == "provider_admin_a":
        assert (snapshot.by_hand, snapshot.failures, snapshot.joint_households, snapshot.paid_households) == (
            1,
            2,
            3,
            1,
        )


def test_the_classification_of_each_payment_and_its_filter_agree(world: World) -> None:
    """CERT-73."""
    mine, theirs = household(world)
    waived, poor = invited(world), invited(world)
    with as_system():
        made = {
            PaymentLabel.PAID: cases.make_payment(mine),
            PaymentLabel.HOUSEHOLD_PAID: cases.make_payment(theirs, status=PaymentStatus.EXPIRED, succeeded_at=None),
            PaymentLabel.WAIVED: cases.make_payment(waived, status=PaymentStatus.EXPIRED, succeeded_at=None),
            PaymentLabel.CLIENT_PAYS: cases.make_payment(poor, status=PaymentStatus.PENDING, succeeded_at=None),
        }
        Enrollment.objects.filter(pk=waived.pk).update(has_fee_waiver=True)
        rows = with_coverage(Payment.objects.filter(pk__in=[row.pk for row in made.values()]))

        assert {classification(row): row.pk for row in rows} == {label: row.pk for label, row in made.items()}
        for label, row in made.items():
            assert [found.pk for found in classified_as(rows, label)] == [row.pk]


def test_the_billing_page_finds_by_its_two_words_and_keeps_them(world: World, client: Client) -> None:
    """CERT-90, CERT-91."""
    ledger(world)
    as_person(client, world, "provider_admin_a")
    url = reverse("admin:payments_payment_billing")
    name = world.client_a.last_name

    page = client.get(url, {"payments_q": "Nobody", "households_q": name}).content.decode()

    assert 'value="Nobody"' in page
    assert f'value="{name}"' in page
    assert "No payment fits." in page
    assert "No household fits." not in page
    assert client.get(url, {"households_q": "Nobody"}).content.decode().count("No household fits.") == 1
    assert as_person(client, world, "counselor_a").get(url).status_code == 403


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)


def more_payments(world: World, number: int) -> None:
    enrollments = household(world)
    with as_system():
        payment = cases.make_payment(enrollments[0], checkout_session_id=f"cs_{number}")
        cases.make_refund(payment, 100)


def more_waivers(world: World, number: int) -> None:
    asked(world, invited(world))


@pytest.mark.parametrize(
    ("address", "more"),
    [
        (lambda: addresses.listing(Payment), more_payments),
        (lambda: addresses.listing(Refund), more_payments),
        (lambda: addresses.listing(FeeWaiver), more_waivers),
        (lambda: reverse("admin:payments_payment_billing"), more_payments),
    ],
)
def test_a_page_costs_the_same_for_one_row_and_three(
    world: World, client: Client, address: Callable[[], str], more: Callable[[World, int], None]
) -> None:
    more(world, 0)
    as_person(client, world, "provider_admin_a")
    client.get(address())
    once = queries(client, address())
    more(world, 1)
    more(world, 2)

    assert queries(client, address()) == once
    assert once <= LIST_BUDGET + 5
