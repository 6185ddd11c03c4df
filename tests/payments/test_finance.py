"""Finance figures: by provider, by period of the provider's own days, and they foot to the rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from typing import Any

import pytest
from django.test import Client

from admin_site.finance import rows_of
from core import clock
from core.context import acting
from organizations.actors import load_actor
from payments.enums import RefundStatus, WaiverStatus
from payments.finance import UNITS, finance_lines, totals, within
from payments.models import Payment, Refund
from tests.database import Databases, as_system
from tests.factories import cases
from tests.factories.names import World
from tests.proofs.books import by_owner
from tests.web import sign_in

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 12, 31)


def lines_for(user: Any, unit: str = "month", first: dt.date = FIRST, last: dt.date = LAST) -> list[Any]:
    with as_system():
        actor = load_actor(user)
    with acting(actor):
        return finance_lines(actor, first, last, unit)


def year_of_business(world: World, databases: Databases, seed: int) -> None:
    """Payments and refunds at odd moments of a year, for both providers, in different time zones."""
    choose = random.Random(seed)
    by_owner(databases, "UPDATE organizations_organization SET time_zone = 'Pacific/Guam' WHERE slug = 'provider-b'")
    by_owner(databases, "DELETE FROM payments_refund")
    by_owner(databases, "DELETE FROM payments_payment")
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    with as_system():
        for letter in ("a", "b"):
            for _number in range(25):
                moment = begin + dt.timedelta(minutes=choose.randrange(-2000, 60 * 24 * 366))
                payment = cases.make_payment(
                    getattr(world, f"studying_{letter}"), amount_cents=choose.randrange(1, 5001), succeeded_at=moment
                )
                if choose.random() < 0.4:
                    given = choose.randrange(1, payment.amount_cents + 1)
                    back = moment + dt.timedelta(hours=choose.randrange(1, 4000))
                    failed = choose.random() < 0.3
                    Refund.objects.create(
                        payment=payment, amount_cents=given, idempotency_key=f"k-{payment.pk}", succeeded_at=back,
                        status=RefundStatus.FAILED if failed else RefundStatus.SUCCEEDED,
                        failed_at=back + dt.timedelta(days=9) if failed else None,
                    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_page_file_and_rows_show_the_same_sums(world: World, databases: Databases, seed: int) -> None:
    year_of_business(world, databases, seed)
    for unit in UNITS:
        lines = lines_for(world.platform_finance, unit)
        total = totals(lines)
        with as_system():
            payments = list(within(Payment.objects.all(), "succeeded_at", "provider", FIRST, LAST))
            refunds = list(within(Refund.objects.all(), "succeeded_at", "payment__provider", FIRST, LAST))
        assert (total.payments, total.payments_cents) == (len(payments), sum(row.amount_cents for row in payments))
        assert (total.refunds, total.refunds_cents) == (len(refunds), sum(row.amount_cents for row in refunds))
        *body, last = list(rows_of(lines))[1:]
        for place in range(3, len(last)):
            assert last[place] == sum(row[place] for row in body)


@pytest.mark.django_db(transaction=True)
def test_every_amount_leads_to_the_rows_that_add_up_to_it(world: World, databases: Databases) -> None:
    year_of_business(world, databases, seed=7)
    client = sign_in(Client(), world.platform_finance)
    page = client.get("/console/payments/payment/finance/", {"first": FIRST, "last": LAST, "unit": "quarter"})
    followed = 0
    for line, amounts in page.context["lines"]:
        for name in ("paid", "refunded", "came_back"):
            listed = client.get(amounts[name].url)
            assert listed.context["sums"]["shown"][0][1] == amounts[name].text, (line, name)
            followed += 1
    assert followed >= 18
    total = page.context["total"]
    assert client.get(total["paid"].url).context["sums"]["shown"][0][1] == total["paid"].text


@pytest.mark.django_db(transaction=True)
def test_a_day_is_a_day_of_the_providers_zone(world: World, databases: Databases) -> None:
    by_owner(databases, "UPDATE organizations_organization SET time_zone = 'Pacific/Guam' WHERE slug = 'provider-b'")
    by_owner(
        databases, "UPDATE payments_payment SET succeeded_at = '2026-03-31T20:00:00Z'",
    )  # fmt: skip
    lines = [line for line in lines_for(world.platform_finance) if line.figures.payments]
    assert {(line.provider, line.begins.month) for line in lines} == {("Provider A", 3), ("Provider B", 4)}


@pytest.mark.django_db
def test_a_provider_sees_and_exports_only_its_own(world: World) -> None:
    client = sign_in(Client(), world.provider_admin_a)
    today = dt.datetime.now(dt.UTC).date()
    query = f"?first={today - dt.timedelta(days=40)}&last={today + dt.timedelta(days=1)}&unit=day"
    page = client.get(f"/console/payments/payment/finance/{query}")
    assert {line.provider for line, _amounts in page.context["lines"]} == {"Provider A"}
    answer = client.post(f"/console/payments/payment/finance/export/{query}", {"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[-1][0] == "TOTAL"
    assert rows[-1][4] == "50.00"
    counselor = sign_in(Client(), world.counselor_a)
    assert counselor.get(f"/console/payments/payment/finance/{query}").status_code == 403
    assert counselor.post(f"/console/payments/payment/finance/export/{query}", {"format": "csv"}).status_code == 403


@pytest.mark.django_db
def test_the_money_of_a_refund_counts_when_it_went_back(world: World) -> None:
    with as_system():
        refund = Refund.objects.get(pk=world.refund_a.pk)
        refund.status = RefundStatus.SUCCEEDED
        refund.save(update_fields=["status", "updated_at"])
        refund.refresh_from_db()
    assert refund.succeeded_at == refund.updated_at
    first = refund.succeeded_at
    with as_system():
        refund.status = RefundStatus.FAILED
        refund.save(update_fields=["status", "updated_at"])
        refund.refresh_from_db()
    assert (refund.succeeded_at, refund.failed_at) == (first, refund.updated_at)


@pytest.mark.django_db
def test_waivers_in_full_and_in_part_lead_each_to_their_own_rows(world: World) -> None:
    with as_system():
        decided = {"status": WaiverStatus.GRANTED, "decided_at": clock.now()}
        whole = cases.make_waiver(world.studying_a, **decided)
        part = cases.make_waiver(world.certified_a, reduced_fee_cents=1000, **decided)
    page = sign_in(Client(), world.platform_finance).get("/console/payments/payment/finance/")
    total = page.context["total"]
    for name, row in (("waived", whole), ("reduced", part)):
        listed = sign_in(Client(), world.platform_finance).get(total[name].url)
        assert (total[name].text, [shown.pk for shown in listed.context["cl"].result_list]) == ("1", [row.pk])


@pytest.mark.django_db
def test_the_form_says_what_is_shown_when_nothing_was_asked_for(world: World) -> None:
    form = sign_in(Client(), world.platform_finance).get("/console/payments/payment/finance/").context["form"]
    chosen = form.cleaned_data
    assert [form[name].value() for name in ("unit", "first", "last")] == [
        chosen["unit"], chosen["first"].isoformat(), chosen["last"].isoformat(),
    ]  # fmt: skip
    assert (chosen["unit"], chosen["last"] - chosen["first"] > dt.timedelta(days=60)) == ("month", True)
