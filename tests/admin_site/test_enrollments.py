"""Requests, enrollments, clients and households in the console."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from core import clock
from enrollments.enums import EnrollmentStatus, RequestStatus
from enrollments.identity import identity_of
from enrollments.models import (
    Client,
    DisclosureAcknowledgement,
    DisclosureSet,
    Enrollment,
    EnrollmentRequest,
    Household,
)
from notifications.models import Message
from tests.admin_site import addresses
from tests.database import as_system
from tests.enrollments.people import acknowledge, own_enrollment
from tests.factories import cases
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db

NEW = {
    "kind": "CC", "district": "cacb", "first_name": "Ana", "last_name": "Gómez", "email": "ana@mail.example",
    "language": "es", "mode": "individual", "invite": "on",
}  # fmt: skip
SPOUSE = {
    "mode": "joint", "spouse_first_name": "Leo", "spouse_last_name": "Gómez", "spouse_email": "leo@mail.example",
    "spouse_birth_date": "1980-05-01", "spouse_ssn_last4": "4321",
}  # fmt: skip


@pytest.fixture
def pam(world: World, client: Browser) -> Browser:
    """A browser of the administrator of provider A."""
    return sign_in(client, world.provider_admin_a)


def save(browser: Browser, row: Any, form: dict[str, str], **options: Any) -> Any:
    """Send a record's form as its page would, with what the page hides in it."""
    page = browser.get(addresses.record(row))
    hidden = {"_seen": page.context["seen"]}
    for inline in page.context["inline_admin_formsets"]:
        management = inline.formset.management_form
        hidden |= {management.add_prefix(name): "0" for name in management.fields}
    return browser.post(addresses.record(row), hidden | form, **options)


def status_of(row: Any) -> str:
    with as_system():
        return type(row).objects.get(pk=row.pk).status


def test_a_provider_sees_and_answers_its_own_requests_only(world: World, pam: Browser) -> None:
    """CERT-57."""
    own, foreign = world.request_a, world.request_b

    text = pam.get(addresses.listing(EnrollmentRequest)).content.decode()

    assert (str(own.pk) in text, str(foreign.pk) in text) == (True, False)
    assert pam.get(addresses.record(foreign)).status_code == 404
    assert pam.post(addresses.action(foreign, "convert"), {}).status_code == 404
    assert pam.post(addresses.action(foreign, "move"), {"to": "rejected"}).status_code == 404
    assert status_of(foreign) == RequestStatus.SUBMITTED


def test_the_status_of_a_request_is_set_from_the_list_along_legal_steps(world: World, pam: Browser) -> None:
    """CERT-58."""
    wish, seen = world.request_a, []

    offered = pam.get(addresses.action(wish, "move")).context["form"].fields["to"].choices
    for to in ("submitted", "reviewing", "rejected", "cancelled", "reviewing"):
        pam.post(addresses.action(wish, "move"), {"to": to})
        seen.append(status_of(wish))

    assert [value for value, _label in offered] == ["reviewing", "invited", "rejected", "cancelled"]
    assert seen == ["submitted", "reviewing", "rejected", "rejected", "reviewing"]


def test_convert_and_invite_makes_one_enrollment_and_a_second_press_nothing(world: World, pam: Browser) -> None:
    """CERT-59."""
    wish = world.request_a

    for _press in range(2):
        assert pam.post(addresses.action(wish, "convert"), {}).status_code == 302

    assert status_of(wish) == RequestStatus.INVITED
    with as_system():
        [enrollment] = Enrollment.objects.filter(request=wish)
        assert Message.objects.filter(event="enrollment.client_invite", about_id=str(enrollment.pk)).count() == 1


def test_a_request_for_debtor_education_gets_its_dates_before_it_is_converted(world: World, pam: Browser) -> None:
    with as_system():
        wish = cases.make_request(world.provider_a, kind="DE", chapter="7")
    form = {name: getattr(wish, name) for name in ("first_name", "last_name", "email", "chapter", "language")}

    pam.post(addresses.action(wish, "convert"), {})
    before = status_of(wish)
    saved = save(
        pam,
        wish,
        form | {"district": "cacb", "first_set_341_date": "2026-03-02", "phone": "", "case_number": "",
                "spouse_first_name": "", "spouse_last_name": "", "spouse_email": "", "de_filing_deadline": ""},
    )  # fmt: skip
    pam.post(addresses.action(wish, "convert"), {})

    assert (before, saved.status_code, status_of(wish)) == (RequestStatus.SUBMITTED, 302, RequestStatus.INVITED)
    with as_system():
        assert Enrollment.objects.get(request=wish).de_filing_deadline == dt.date(2026, 5, 1)


def test_a_counselor_sees_no_requests_and_an_attorney_neither(world: World, client: Browser) -> None:
    for name in ("counselor_a", "attorney_a"):
        assert sign_in(client, getattr(world, name)).get(addresses.listing(EnrollmentRequest)).status_code == 403


def test_staff_enroll_and_invite_in_one_form(world: World, pam: Browser) -> None:
    page = pam.get(addresses.adding(Enrollment))
    assert page.context["form"].fields["provider"].initial == world.provider_a

    answer = pam.post(addresses.adding(Enrollment), NEW | SPOUSE | {"provider": str(world.provider_a.pk)})

    with as_system():
        made = list(Enrollment.objects.filter(client__last_name="Gómez").select_related("client"))
        mails = Message.objects.filter(event="enrollment.client_invite").values_list("to", flat=True)
        assert sorted(mails) == ["ana@mail.example", "leo@mail.example"]
    assert (answer.status_code, len(made), len({each.household_id for each in made})) == (302, 2, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": ""}, "email"),
        (SPOUSE | {"spouse_ssn_last4": ""}, "mode"),
        (SPOUSE | {"spouse_email": "ANA@mail.example"}, "spouse_email"),
        ({"district": "nysb"}, "district"),
        ({"kind": "DE"}, "chapter"),
        ({"kind": "DE", "chapter": "7"}, "first_set_341_date"),
        ({"kind": "DE", "chapter": "13"}, "de_filing_deadline"),
    ],
)
def test_a_refusal_stands_at_its_field_and_nothing_is_written(
    world: World, pam: Browser, changes: dict[str, str], field: str
) -> None:
    """CERT-63, CERT-64, CERT-68, CERT-70."""
    answer = pam.post(addresses.adding(Enrollment), NEW | changes | {"provider": str(world.provider_a.pk)})

    assert list(answer.context["form"].errors) == [field]
    with as_system():
        assert not Client.objects.filter(last_name="Gómez").exists()


def test_an_attorney_enrolls_for_the_own_firm_with_any_public_provider(world: World, client: Browser) -> None:
    """CERT-63."""
    browser = sign_in(client, world.attorney_a)
    page = browser.get(addresses.adding(Enrollment)).content.decode()
    homes = (world.provider_a, world.provider_b, world.firm_a, world.firm_b)
    assert [f'<option value="{home.pk}"' in page for home in homes] == [True, True, True, False]

    browser.post(
        addresses.adding(Enrollment), NEW | {"provider": str(world.provider_b.pk), "firm": str(world.firm_a.pk)}
    )
    foreign = browser.post(
        addresses.adding(Enrollment),
        NEW | {"provider": str(world.provider_b.pk), "firm": str(world.firm_b.pk), "email": "x@mail.example"},
    )

    with as_system():
        [enrollment] = Enrollment.objects.filter(client__last_name="Gómez")
    assert (enrollment.provider_id, enrollment.firm_id) == (world.provider_b.pk, world.firm_a.pk)
    assert "firm" in foreign.context["form"].errors


def test_a_record_says_everything_that_blocks_and_whose_turn_it_is(world: World, pam: Browser) -> None:
    """CERT-W06."""
    enrollment = own_enrollment(world)

    page = pam.get(addresses.record(enrollment)).content.decode()
    for code in ("disclosure_required", "details_required", "payment_required"):
        assert f"<code>{code}</code>" in page
    assert "Client reads the disclosures" in page
    acknowledge(world, enrollment)
    assert "disclosure_required" not in pam.get(addresses.record(enrollment)).content.decode()


def test_the_list_shows_next_step_deadline_and_who_paid(world: World, pam: Browser) -> None:
    """CERT-73."""
    with as_system():
        payer = cases.make_enrollment(cases.make_client(world.provider_a, last_name="Payer"))
        spouse = cases.make_enrollment(cases.make_client(world.provider_a, last_name="Spouse"))
        cases.make_household(payer, spouse)
        cases.make_payment(payer)
        cases.make_enrollment(cases.make_client(world.provider_a, last_name="Waived"), has_fee_waiver=True)
        late = clock.today() - dt.timedelta(days=1)
        cases.make_enrollment(cases.make_client(world.provider_a, last_name="Late"), "DE", de_filing_deadline=late)

    def row(name: str) -> str:
        text = pam.get(addresses.listing(Enrollment, f"?q={name}")).content.decode()
        return text[text.index("result_list") :]

    assert "Paid" in row("Payer")
    assert "Household paid" in row("Spouse")
    assert "Waived" in row("Waived")
    assert "Client pays" in row("Late")
    assert "console-tone-bad" in row("Late")
    assert "Invite the client" in row("Late")


def test_an_attorney_reads_paid_where_the_payment_itself_is_out_of_sight(world: World, client: Browser) -> None:
    with as_system():
        row = world.invited_a
        row.status = EnrollmentStatus.ENROLLED
        row.save()
        cases.make_payment(row)

    text = sign_in(client, world.attorney_a).get(addresses.record(row)).content.decode()

    assert "Paid" in text
    assert "Provider A" in text


@pytest.mark.parametrize(
    ("name", "data", "before", "after"),
    [
        ("cancel", {"reason": "Asked for it."}, "invited", "cancelled"),
        ("cancel", {}, "invited", "invited"),
        ("cancel", {"reason": "x"}, "completed", "completed"),
    ],
)
def test_cancelling_takes_a_reason_and_an_open_enrollment(
    world: World, pam: Browser, name: str, data: dict[str, str], before: str, after: str
) -> None:
    enrollment = own_enrollment(world, status=before)

    pam.post(addresses.action(enrollment, name), data)

    assert status_of(enrollment) == after


def test_supervisors_accept_less_time_and_set_deadlines_with_a_reason(world: World, pam: Browser) -> None:
    counseling, education = world.studying_a, own_enrollment(world, "DE")
    day = (clock.today() + dt.timedelta(days=30)).isoformat()

    pam.post(addresses.action(counseling, "override_time"), {"reason": "Hospital bed."})
    pam.post(addresses.action(education, "override_time"), {"reason": "Fast."})
    pam.post(addresses.action(education, "deadline_set"), {"reason": "Order.", "deadline": day})

    with as_system():
        assert Enrollment.objects.get(pk=counseling.pk).cc_override_reason == "Hospital bed."
        row = Enrollment.objects.get(pk=education.pk)
        assert (row.cc_override_reason, row.de_filing_deadline.isoformat()) == ("", day)


@pytest.mark.parametrize("verb", ["cancel", "override_time", "deadline_set"])
@pytest.mark.parametrize("name", ["counselor_a", "attorney_a", "platform_support"])
def test_who_may_not_supervise_is_refused(world: World, client: Browser, name: str, verb: str) -> None:
    answer = sign_in(client, getattr(world, name)).post(
        addresses.action(world.invited_a, verb), {"reason": "x", "deadline": "2099-01-01"}
    )

    assert answer.status_code == 403
    assert status_of(world.invited_a) == EnrollmentStatus.INVITED


def test_both_spouses_are_invited_in_one_press(world: World, pam: Browser) -> None:
    """CERT-72."""
    with as_system():
        pair = [cases.make_enrollment(cases.make_client(world.provider_a, email=f"{n}@m.example")) for n in "ab"]
        cases.make_household(*pair)

    pam.post(addresses.action(pair[0], "invite_both"), {})

    with as_system():
        mails = Message.objects.filter(event="enrollment.client_invite").values_list("to", flat=True)
        assert sorted(mails) == ["a@m.example", "b@m.example"]


def test_the_digits_are_covered_and_the_birth_date_is_for_those_who_identify(world: World, client: Browser) -> None:
    row = world.client_a
    seen = {}
    for name in ("provider_admin_a", "counselor_a", "platform_support"):
        text = sign_in(client, getattr(world, name)).get(addresses.record(row)).content.decode()
        seen[name] = ("••••1234" in text, "1980" in text)

    assert seen == {
        "provider_admin_a": (True, True), "counselor_a": (True, True), "platform_support": (True, False),
    }  # fmt: skip


def test_a_name_that_staff_correct_keeps_the_clients_digest_right(world: World, pam: Browser) -> None:
    with as_system():
        row = cases.make_client(world.provider_a)
    form = {"first_name": " Casey  Lee", "last_name": "Client", "email": row.email, "phone": "", "language": "en"}

    save(pam, row, form)
    refused = save(pam, row, form | {"first_name": "C4sey"}, follow=True)

    with as_system():
        fresh = Client.objects.get(pk=row.pk)
        assert (fresh.first_name, fresh.identity_hash) == ("Casey Lee", identity_of(fresh))
    assert "name_invalid" in refused.content.decode()


def test_a_household_shows_both_spouses_and_who_paid(world: World, pam: Browser) -> None:
    """CERT-90."""
    text = pam.get(addresses.record(world.household_a)).content.decode()

    assert (text.count("Client User") > 0, text.count("Spouse User") > 0) == (True, True)


@pytest.mark.parametrize(
    "model", [EnrollmentRequest, Enrollment, Client, Household, DisclosureAcknowledgement, DisclosureSet]
)
@pytest.mark.parametrize("name", ["provider_admin_a", "platform_admin"])
def test_lists_ask_the_database_as_often_for_one_row_as_for_many(
    world: World, client: Browser, model: Any, name: str, django_assert_num_queries: Any
) -> None:
    browser = sign_in(client, getattr(world, name))
    browser.get(addresses.listing(model))
    with CaptureQueriesContext(connection) as few:
        browser.get(addresses.listing(model))
    for number in range(4):
        enrollment = own_enrollment(world, "DE")
        acknowledge(world, enrollment)
        with as_system():
            cases.make_request(world.provider_a, email=f"r{number}@m.example")
            spouse = cases.make_enrollment(cases.make_client(world.provider_a), "DE")
            cases.make_household(enrollment, spouse)

    with django_assert_num_queries(len(few)):
        browser.get(addresses.listing(model))
