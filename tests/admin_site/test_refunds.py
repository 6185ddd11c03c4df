"""The way to a refund in the console: two looks, another person above the limit, many at once, and the report."""

from __future__ import annotations

import csv
import io
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from approvals.enums import RequestStatus
from approvals.models import ApprovalRequest, Delegation
from approvals.services.notices import mail_token
from jobs.models import Job
from payments.enums import PaymentSource, PaymentStatus, RefundMethod
from payments.models import BulkRefundLine, Dispute, Payment, Refund
from tests.admin_site import addresses
from tests.approvals.people import asked, limited, paid
from tests.database import as_system
from tests.factories import cases, money
from tests.factories.names import World
from tests.payments.people import fresh, household
from tests.web import sign_in

pytestmark = pytest.mark.django_db
WHY = {"cause": "goodwill", "reason": "Moved away", "notify": "on"}


def as_person(client: Client, world: World, name: str) -> Client:
    return sign_in(client, getattr(world, name))


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def wish(*lines: tuple[Payment, str], method: str = "card", **fields: str) -> dict[str, str]:
    return {f"amount_{payment.pk.hex}": amount for payment, amount in lines} | {"method": method} | WHY | fields


def look(client: Client, row: Any, data: dict[str, str]) -> str:
    return client.post(addresses.record(row, "refund"), data).content.decode()


def sealed(page: str) -> dict[str, str]:
    found = re.search(r'name="sealed"\s+value="([^"]+)"', page)
    assert found, page[:3000]
    return {"sealed": found[1]}


def refunds_of(payment: Payment) -> list[Refund]:
    with as_system():
        return list(Refund.objects.filter(payment=payment).order_by("created_at"))


def test_the_first_look_refunds_nothing_and_shows_all_that_will_happen(world: World, client: Client) -> None:
    """CERT-A02."""
    payment = paid(world)
    as_person(client, world, "provider_admin_a")
    assert "50.00" in client.get(addresses.record(payment, "refund")).content.decode()

    page = look(client, payment, wish((payment, "12.50")))

    for text in (
        "$12.50",
        "$37.50",
        "Moved away",
        "Goodwill",
        "A refund of $12.50 is on its way",
        payment.pk.hex[:10].upper(),
    ):
        assert text in page
    assert refunds_of(payment) == []


def test_the_second_look_refunds_once_however_often_it_is_sent(world: World, client: Client) -> None:
    payment = paid(world)
    as_person(client, world, "provider_admin_a")
    confirmed = sealed(look(client, payment, wish((payment, "12.50"))))

    told = [client.post(addresses.record(payment, "refund"), confirmed, follow=True) for _ in range(3)]

    assert all("$12.50 goes back to the client." in said(answer) for answer in told)
    [refund] = refunds_of(payment)
    assert (refund.amount_cents, refund.reason, refund.cause) == (1250, "Moved away", "goodwill")
    with as_system():
        assert Job.objects.filter(kind="payments.send_refund", subject_id=str(refund.pk)).count() == 1


def test_what_changed_between_the_looks_is_looked_at_again(world: World, client: Client) -> None:
    payment = paid(world)
    as_person(client, world, "provider_admin_a")
    confirmed = sealed(look(client, payment, wish((payment, "12.50"))))
    with as_system():
        cases.make_refund(payment, 100)

    told = client.post(addresses.record(payment, "refund"), confirmed, follow=True)

    assert "changed this in the meantime" in said(told)
    assert len(refunds_of(payment)) == 1


def test_the_seal_of_another_person_or_another_hand_is_worth_nothing(world: World, client: Client) -> None:
    payment = paid(world)
    as_person(client, world, "provider_admin_a")
    confirmed = sealed(look(client, payment, wish((payment, "12.50"))))

    for name, body in (("owner_a", confirmed), ("provider_admin_a", {"sealed": confirmed["sealed"][:-2] + "xx"})):
        as_person(client, world, name).post(addresses.record(payment, "refund"), body)

    assert refunds_of(payment) == []


@pytest.mark.parametrize(
    ("amount", "fields", "sentence"),
    [
        ("50.01", {}, "less than or equal to 50"),
        ("0", {}, "No amount was entered."),
        ("-1", {}, "greater than or equal to 0"),
        ("1.001", {}, "no more than 2 decimal places"),
        ("10", {"method": "manual"}, "Say how the money goes back"),
        ("10", {"reason": " "}, "This field is required"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_on_the_form(
    world: World, client: Client, amount: str, fields: dict[str, str], sentence: str
) -> None:
    payment = paid(world)
    page = look(as_person(client, world, "provider_admin_a"), payment, wish((payment, amount), **fields))

    assert sentence in page
    assert 'name="sealed"' not in page


def test_one_amount_is_shared_out_among_the_payments_of_a_household_from_the_enrollment(
    world: World, client: Client
) -> None:
    """CERT-A02: the parts sum to the whole."""
    mine, theirs = household(world)
    with as_system():
        both = [cases.make_payment(mine, amount_cents=5000), cases.make_payment(theirs, amount_cents=2500)]
    as_person(client, world, "provider_admin_a")

    page = look(client, mine, wish((both[0], "0"), (both[1], "0"), total="10.00"))
    assert "$6.67" in page
    assert "$3.33" in page
    client.post(addresses.record(mine, "refund"), sealed(page))

    assert [[refund.amount_cents for refund in refunds_of(payment)] for payment in both] == [[667], [333]]


def test_above_the_limit_the_page_says_so_and_asks_another_person(world: World, client: Client) -> None:
    payment = paid(world)
    limited(world, 1000)
    as_person(client, world, "provider_admin_a")
    page = look(client, payment, wish((payment, "12.50")))
    assert "This is above the limit of $10.00 for one person." in page

    told = client.post(addresses.record(payment, "refund"), sealed(page), follow=True)

    assert "Another person is asked now." in said(told)
    shown = told.content.decode()
    for text in ("$12.50", "Moved away", "of $50.00, of which $50.00 are left", "You asked for this yourself."):
        assert text in shown
    assert refunds_of(payment) == []


def test_money_by_hand_has_no_way_to_a_card(world: World, client: Client) -> None:
    payment = paid(world, source=PaymentSource.MANUAL)
    as_person(client, world, "provider_admin_a")
    assert "Select a valid choice" in look(client, payment, wish((payment, "5")))

    page = look(client, payment, wish((payment, "5"), method="manual", reference="Check 9"))
    client.post(addresses.record(payment, "refund"), sealed(page))

    [refund] = refunds_of(payment)
    assert (refund.method, refund.reference, refund.status) == (RefundMethod.MANUAL, "Check 9", "succeeded")
    assert fresh(payment).refunded_cents == 500


def test_a_disputed_payment_says_why_nothing_goes_back(world: World, client: Client) -> None:
    payment = paid(world, status=PaymentStatus.DISPUTED)

    page = as_person(client, world, "provider_admin_a").get(addresses.record(payment, "refund")).content.decode()

    assert "disputes this payment" in page
    assert "payment_disputed" in page


@pytest.mark.parametrize("name", ["counselor_a", "attorney_a", "platform_support"])
def test_who_only_looks_has_no_way_to_a_refund(world: World, client: Client, name: str) -> None:
    as_person(client, world, name)

    assert client.get(addresses.record(world.payment_a, "refund")).status_code == 403
    assert client.post(addresses.record(world.payment_a, "refund"), {}).status_code == 403


def bulk(client: Client, *payments: Payment, **fields: str) -> Any:
    data = {"run": str(uuid.uuid4()), "pk": [str(payment.pk) for payment in payments]} | WHY | fields
    return client.post(addresses.listing(Payment) + "refund-many/", data, follow=True)


def test_many_are_refunded_each_for_itself_with_a_line_for_each(world: World, client: Client) -> None:
    """CERT-A03."""
    good, lost, by_hand = paid(world), paid(world, status=PaymentStatus.LOST), paid(world, source=PaymentSource.MANUAL)
    as_person(client, world, "provider_admin_a")
    ticked = {"action": "refund_many", "_selected_action": [str(row.pk) for row in (good, lost, by_hand)]}
    form = client.post(addresses.listing(Payment), ticked).content.decode()
    assert "Refund 2 payments" in form
    assert refunds_of(good) == []

    report = bulk(client, good, lost, by_hand, reference="Check 5", amount="20", run="0" * 31 + "1")
    again = bulk(client, good, lost, by_hand, reference="Check 5", amount="20", run="0" * 31 + "1")

    assert "2 refunds decided" in report.content.decode()
    assert "payment_lost" in report.content.decode()
    assert again.content == report.content or "2 refunds decided" in again.content.decode()
    assert [len(refunds_of(row)) for row in (good, lost, by_hand)] == [1, 0, 1]
    with as_system():
        assert BulkRefundLine.objects.filter(run=uuid.UUID("0" * 31 + "1")).count() == 3
    file = client.get(addresses.listing(Payment) + f"bulk-refund/file/?run={'0' * 31}1").content.decode()
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [(row["amount_cents"], row["code"]) for row in rows] == [
        ("2000", ""),
        ("2000", "payment_lost"),
        ("2000", ""),
    ]


def test_many_small_refunds_are_one_large_one(world: World, client: Client) -> None:
    limited(world, 3000)
    rows = [paid(world) for _ in range(3)]

    report = bulk(as_person(client, world, "provider_admin_a"), *rows, amount="20")

    assert "3 wait for another person" in report.content.decode()
    assert [refunds_of(row) for row in rows] == [[], [], []]


def test_payments_and_reports_of_others_are_as_absent(world: World, client: Client) -> None:
    theirs = paid(world, "b")
    as_person(client, world, "provider_admin_a")
    bulk(client, theirs, world.payment_b)

    assert refunds_of(theirs) == []
    with as_system():
        run = BulkRefundLine.objects.get(payment=world.payment_b).run
    assert client.get(addresses.listing(Payment) + f"bulk-refund/?run={run}").status_code == 404
    assert client.get(addresses.listing(Payment) + "bulk-refund/?run=nonsense").status_code == 404


def test_the_inbox_shows_what_waits_for_me_and_decides_many_with_a_result_for_each(
    world: World, client: Client
) -> None:
    """UX-21."""
    first, second = asked(world, paid(world)), asked(world, paid(world))
    as_person(client, world, "owner_a")
    assert "Approvals to decide" in client.get("/console/").content.decode()
    listed = client.get(addresses.listing(ApprovalRequest, "?inbox=me")).content.decode()
    assert str(first.pk) in listed
    with as_system():
        cases.make_refund(Payment.objects.get(pk=second.subject_id), 100)

    page = client.post(
        addresses.bulk(ApprovalRequest, "approve"), {"pk": [str(first.pk), str(second.pk)], "note": "Fine"}
    ).content.decode()

    assert "1 done" in page
    assert "approval_outdated" in page
    assert (fresh(first).status, fresh(second).status) == (RequestStatus.APPROVED, RequestStatus.PENDING)


def test_a_link_from_a_mail_opens_the_request_and_decides_nothing(world: World, client: Client) -> None:
    request = asked(world, paid(world))
    link = addresses.listing(ApprovalRequest) + f"from-mail/?t={mail_token(request, world.owner_a)}"

    assert client.get(link).status_code == 302, "without signing in it opens nothing"
    answer = as_person(client, world, "owner_a").get(link)
    assert answer.headers["Location"] == addresses.record(request)
    other = as_person(client, world, "platform_finance").get(link)
    assert other.headers["Location"].endswith("?inbox=me")
    assert fresh(request).status == RequestStatus.PENDING


def test_the_record_of_a_request_shows_exactly_what_is_approved(world: World, client: Client) -> None:
    request = asked(world, paid(world))

    page = as_person(client, world, "owner_a").get(addresses.record(request)).content.decode()

    for text in ("$20.00 of $50.00, of which $50.00 are left", "The client moved away", "To the card", "gets a mail"):
        assert text in page
    assert addresses.action(request, "approve") in page


def test_the_timeline_of_the_enrollment_shows_refunds_disputes_and_approvals(world: World, client: Client) -> None:
    """CERT-A01."""
    payment = paid(world)
    asked(world, payment)
    with as_system():
        cases.make_refund(payment, 100)
        money.make_dispute(payment)

    url = addresses.record(payment.enrollment) + "?timeline=money"
    page = as_person(client, world, "provider_admin_a").get(url).content.decode()

    for text in ("Refund: 1.00", "Dispute: 50.00", "Approval asked: Refund $20.00"):
        assert text in page


def test_the_limit_is_the_owners_to_set_and_not_of_who_refunds(world: World, client: Client) -> None:
    url = addresses.record(world.approval_rule_a)
    data = {"limit_cents": "5", "_seen": ""}

    assert as_person(client, world, "provider_admin_a").post(url, data).status_code == 403
    assert as_person(client, world, "owner_a").post(url, data).status_code == 302

    assert fresh(world.approval_rule_a).limit_cents == 5


def test_somebody_is_named_to_stand_in(world: World, client: Client) -> None:
    as_person(client, world, "owner_a")
    data = {
        "taker": str(world.provider_admin_a.pk), "kind": "", "reason": "Holiday", "starts_at_0": "2026-11-01",
        "starts_at_1": "08:00", "ends_at_0": "2027-01-15", "ends_at_1": "08:00",
    }  # fmt: skip
    answer = client.post(addresses.adding(Delegation), data)

    with as_system():
        made = Delegation.objects.filter(reason="Holiday").first()
    assert made is not None, answer.content.decode()[:20000]
    assert (made.giver_id, made.taker_id, made.organization_id) == (
        world.owner_a.pk, world.provider_admin_a.pk, world.provider_a.pk,
    )  # fmt: skip


def test_a_dispute_waits_on_the_home_page_until_somebody_decides(world: World, client: Client) -> None:
    """ENT-73, the task for finance with the day by which the bank wants its answer."""
    as_person(client, world, "provider_admin_a")
    assert "Disputes to answer" in client.get("/console/").content.decode()
    page = client.get(addresses.record(world.dispute_a)).content.decode()
    assert "Answer the bank" in page

    client.post(addresses.action(world.dispute_a, "take_note"), {"note": "Called the client."})
    client.post(addresses.action(world.dispute_a, "answer"), {"evidence": "The course was taken on May 3."})

    dispute = fresh(world.dispute_a)
    assert (dispute.decision, dispute.note) == ("answer", "Called the client.")
    with as_system():
        assert not Dispute.objects.filter(pk=dispute.pk).to_answer().exists()
