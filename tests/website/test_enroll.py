"""A provider's own page: who it is and what it costs, then a request, or back to an enrollment."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from enrollments.models import EnrollmentRequest
from organizations.enums import ApprovalStatus
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

PAGE = "/provider-a/enroll"
ASKED = {
    "kind": "CC", "mode": "individual", "court_id": "cacb", "first_name": "Lucía", "last_name": "Ramos",
    "email": "lucia@mail.example",
}  # fmt: skip
SPOUSE = {
    "mode": "joint", "spouse_first_name": "Marco", "spouse_last_name": "Ramos", "spouse_email": "marco@mail.example",
}  # fmt: skip


def kept() -> list[EnrollmentRequest]:
    with as_system():
        return list(EnrollmentRequest.objects.filter(email="lucia@mail.example"))


@pytest.mark.parametrize(
    ("status", "is_active", "answer"),
    [(status, active, 200 if (status, active) == (ApprovalStatus.APPROVED, True) else 404)
     for status in ApprovalStatus for active in (True, False)],
)  # fmt: skip
def test_the_page_exists_for_approved_and_active_providers_only(
    world: World, client: Client, status: str, is_active: bool, answer: int
) -> None:
    """CERT-47."""
    with as_system():
        profile = world.provider_a.provider_profile
        profile.approval_status, profile.is_active = status, is_active
        profile.save()

    answers = [client.get(address).status_code for address in (PAGE, f"{PAGE}/thanks", "/es/provider-a/enroll")]
    assert answers == [answer] * 3
    assert client.post(PAGE, ASKED).status_code == (302 if answer == 200 else 404)


def test_price_waiver_refund_privacy_and_help_stand_before_the_first_question(world: World, client: Client) -> None:
    """UX-35."""
    page = client.get(f"{PAGE}?kind=CC").content.decode()

    order = [
        page.index(words)
        for words in (
            "approved by the United States Trustee", "EOUST-cacb-CC", "California, Central District", "$50.00",
            "150 percent", "whole fee back", "no credit bureau", "555-0101", 'name="first_name"',
        )
    ]  # fmt: skip
    assert order == sorted(order)


def test_nothing_is_asked_before_a_course_is_chosen(world: World, client: Client) -> None:
    page = client.get(PAGE).content.decode()

    assert 'name="first_name"' not in page
    assert "?kind=DE&amp;mode=joint" in page


@pytest.mark.parametrize(
    ("query", "has", "lacks"),
    [
        ("kind=CC", ["email"], ["spouse_email", "chapter"]),
        ("kind=CC&mode=joint", ["spouse_email"], ["chapter"]),
        ("kind=DE&mode=individual", ["chapter", "first_set_341_date"], ["spouse_email"]),
        ("kind=XX&mode=nonsense", [], ["email"]),
    ],
)
def test_the_form_asks_only_what_the_choice_needs(
    world: World, client: Client, query: str, has: list[str], lacks: list[str]
) -> None:
    form = client.get(f"{PAGE}?{query}").context["form"]
    fields = set(form.fields) if form is not None else set()

    assert (set(has) <= fields, set(lacks) & fields) == (True, set())


def test_a_request_is_kept_in_the_readers_language_and_answered_with_what_comes_next(
    world: World, client: Client
) -> None:
    """CERT-49."""
    response = client.post(f"/es{PAGE}", ASKED | SPOUSE, follow=True)

    assert response.redirect_chain == [("/es/provider-a/enroll/thanks", 302)]
    [row] = kept()
    assert (row.mode, row.language, row.source_page, row.source_ip, row.spouse_email) == (
        "joint", "es", "/es/provider-a/enroll", "127.0.0.1", "marco@mail.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_name": "R2D2"}, "first_name"),
        ({"email": "lucia"}, "email"),
        ({"court_id": "nysb"}, "court_id"),
        (SPOUSE | {"spouse_email": "LUCIA@mail.example"}, "spouse_email"),
        (SPOUSE | {"spouse_last_name": ""}, "spouse_last_name"),
        ({"kind": "DE"}, "chapter"),
        ({"kind": "DE", "chapter": "12"}, "chapter"),
    ],
)
def test_a_faulty_request_shows_the_error_at_its_field_and_keeps_the_answers(
    world: World, client: Client, changes: dict[str, str], field: str
) -> None:
    response = client.post(PAGE, ASKED | changes)

    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert 'value="Ramos"' in response.content.decode()
    assert kept() == []


def test_a_program_is_thanked_and_ignored(world: World, client: Client) -> None:
    assert client.post(PAGE, ASKED | {"fax_number": "x"}).status_code == 302
    assert kept() == []


def test_the_eleventh_request_from_one_address_is_answered_with_429(world: World, client: Client) -> None:
    answers = [client.post(PAGE, ASKED | {"email": f"lucia{number}@mail.example"}).status_code for number in range(11)]

    assert answers == [302] * 10 + [429]


def test_a_provider_without_an_open_district_offers_no_form(world: World, client: Client) -> None:
    with as_system():
        for approval in (world.approval_cc_a, world.approval_de_a):
            approval.status = "withdrawn"
            approval.save()

    response = client.get(f"{PAGE}?kind=CC")

    assert "No course is open here at the moment" in response.content.decode()
    assert response.context["form"] is None


def resume(client: Client, text: str) -> Any:
    return client.post(f"{PAGE}/resume", {"enrollment_id": text})


def test_an_id_of_this_provider_leads_to_its_page(world: World, client: Client) -> None:
    """CERT-48."""
    enrollment = world.studying_a

    response = resume(client, f"  {str(enrollment.pk).upper()} ")

    assert (response.status_code, response.headers["Location"]) == (302, f"/course/{enrollment.pk}")


def test_every_other_id_gets_one_and_the_same_friendly_answer(world: World, client: Client) -> None:
    """CERT-48: whether it exists elsewhere is not revealed."""
    given = (world.studying_b.pk, uuid.uuid4(), "12345", "", world.client_a.pk)
    answers = [resume(client, str(text)) for text in given]

    assert {answer.status_code for answer in answers} == {200}
    sentence = "No enrollment of Provider A goes with this ID"
    assert [answer.content.decode().count(sentence) for answer in answers] == [1] * len(given)


def test_guessing_ids_is_slowed_down(world: World, client: Client) -> None:
    answers = [resume(client, str(uuid.uuid4())).status_code for _number in range(21)]

    assert answers == [200] * 20 + [429]


@pytest.mark.parametrize("address", [PAGE, f"{PAGE}?kind=DE&mode=joint", "/es/provider-a/enroll?kind=CC"])
def test_the_page_is_light_and_asks_the_database_a_fixed_number_of_times(
    world: World, client: Client, address: str, django_assert_max_num_queries: Any
) -> None:
    client.get(address)

    with django_assert_max_num_queries(18):
        response = client.get(address)

    assert len(response.content) < 150_000
