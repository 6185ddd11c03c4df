"""Finance figures: by provider, by period of the provider's own days, and they foot to the rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from decimal import Decimal
from typing import Any

import psycopg
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


# Every line of the file, from the tables themselves, in the days of each provider.
BOOKS = """
WITH zones AS (SELECT id, name, time_zone FROM organizations_organization),
happened AS (
    SELECT provider_id AS home, succeeded_at AS moment, 1 AS paid, amount_cents AS paid_cents, 0 AS refunded_cents,
        0 AS back_cents, 0 AS fees, 0 AS waived, 0 AS reduced, 0 AS denied FROM payments_payment
    UNION ALL SELECT p.provider_id, r.succeeded_at, 0, 0, r.amount_cents, 0, 0, 0, 0, 0
        FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
    UNION ALL SELECT p.provider_id, r.failed_at, 0, 0, 0, r.amount_cents, 0, 0, 0, 0
        FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id WHERE r.succeeded_at IS NOT NULL
    UNION ALL SELECT provider_id, decided_at, 0, 0, 0, 0, 0,
        (status = 'granted' AND reduced_fee_cents IS NULL)::int,
        (status = 'granted' AND reduced_fee_cents IS NOT NULL)::int, (status = 'denied')::int FROM payments_feewaiver
    UNION ALL SELECT provider_id, enrolled_at, 0, 0, 0, 0, 1, 0, 0, 0 FROM enrollments_enrollment
)
SELECT z.name, greatest(date_trunc(%(unit)s, day)::date, %(first)s), sum(paid), sum(paid_cents), sum(refunded_cents),
    sum(back_cents), sum(fees), sum(waived), sum(reduced), sum(denied)
FROM happened JOIN zones z ON z.id = home, LATERAL (SELECT (moment AT TIME ZONE z.time_zone)::date AS day) AS local
WHERE day BETWEEN %(first)s AND %(last)s GROUP BY 1, 2 ORDER BY 2, 1
"""


def booked(databases: Databases, unit: str, first: dt.date, last: dt.date) -> list[tuple[Any, ...]]:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as books:
        found = books.execute(BOOKS, {"unit": unit, "first": first, "last": last}).fetchall()
    return [(name, begins.isoformat(), *map(int, sums)) for name, begins, *sums in found]


def exported(user: Any, unit: str, first: dt.date, last: dt.date) -> list[tuple[Any, ...]]:
    query = f"?first={first}&last={last}&unit={unit}"
    answer = sign_in(Client(), user).post(f"/console/payments/payment/finance/export/{query}", {"format": "csv"})
    told = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    cents = lambda text: int(Decimal(text) * 100)  # noqa: E731 -- one column after the other
    lines = [
        (name, begins, int(paid), cents(paid_sum), cents(back), cents(failed), *map(int, rest))
        for name, begins, _ends, paid, paid_sum, _n, back, _m, failed, _net, *rest in told
    ]
    *body, total = lines
    assert total[2:] == tuple(map(sum, zip(*(line[2:] for line in body), strict=True)))
    assert all(cents(row[9]) == cents(row[4]) - cents(row[6]) + cents(row[8]) for row in told)
    return body


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [("month", FIRST, LAST), ("quarter", FIRST, LAST), ("month", dt.date(2026, 3, 17), dt.date(2026, 8, 2)),
     ("day", dt.date(2026, 5, 1), dt.date(2026, 6, 30))],
)  # fmt: skip
def test_the_file_foots_to_the_books(
    world: World, databases: Databases, unit: str, first: dt.date, last: dt.date
) -> None:
    """Payments, refunds, refunds that came back, fees, waivers of each provider and period, by SQL."""
    year_of_business(world, databases, seed=11)
    with as_system():
        granted = {"status": WaiverStatus.GRANTED, "decided_at": dt.datetime(2026, 5, 9, 20, tzinfo=dt.UTC)}
        cases.make_waiver(world.studying_a, **granted)
        cases.make_waiver(world.studying_b, reduced_fee_cents=1000, **granted)
    by_owner(databases, "UPDATE enrollments_enrollment SET enrolled_at = '2026-05-31T23:30:00Z'")
    whole = exported(world.platform_finance, unit, first, last)
    assert whole == booked(databases, unit, first, last)
    assert {line[0] for line in whole} == {"Provider A", "Provider B"}
    own = exported(world.provider_admin_b, unit, first, last)
    assert own == [line for line in whole if line[0] == "Provider B"]


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
