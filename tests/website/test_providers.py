"""The public list of providers, and the application to become one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.enums import ApprovalStatus
from providers.models import ProviderApplication
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.factories.people import make_provider

pytestmark = pytest.mark.django_db

APPLICATION = {
    "organization_name": "Harbor Light Counseling, Inc.", "is_nonprofit": "on", "kinds": ["CC"], "court_ids": ["cacb"],
    "contact_name": "Maria Ortega", "contact_email": "maria@harborlight.example",
}  # fmt: skip


def names(response: Any) -> list[str]:
    return [card.name for card in response.context["cards"]]


def test_the_list_shows_approved_and_active_providers_only(world: World, client: Client) -> None:
    """CERT-46."""
    with as_system():
        for status in ApprovalStatus:
            for is_active in (True, False):
                if (status, is_active) != (ApprovalStatus.APPROVED, True):
                    name = f"Hidden {status} {is_active}"
                    slug = name.lower().replace(" ", "-").replace("_", "-")
                    make_provider(name, slug, approval_status=status, is_active=is_active)

    assert names(client.get("/providers")) == ["Provider A", "Provider B"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("district=nysb", ["Provider B"]),
        ("district=nysb&service=CC", []),
        ("district=cacb&service=CC", ["Provider A", "Provider B"]),
        ("service=DE", ["Provider A", "Provider B"]),
        ("language=Spanish", ["Provider A", "Provider B"]),
        ("language=Korean", ["Provider B"]),
        ("district=nowhere&service=XX", ["Provider A", "Provider B"]),
    ],
)
def test_the_list_is_narrowed_by_district_course_and_language(
    world: World, client: Client, query: str, found: list[str]
) -> None:
    with as_system():
        provider = world.provider_b
        provider.provider_profile.languages = ["English", "Spanish", "Korean"]
        provider.provider_profile.save()
        cases.make_district_approval(provider, "DE", "nysb")

    assert names(client.get(f"/providers?{query}")) == found


def test_a_card_says_courses_districts_languages_fee_and_waiver_in_both_languages(world: World, client: Client) -> None:
    english = client.get("/providers").context["cards"][0]
    spanish = client.get("/es/providers").context["cards"][0]

    assert [str(fact.value) for fact in english.facts] == [
        "Credit counseling, Debtor education",
        "California, Central District",
        "English and Spanish",
        "$50.00 for each course, certificate included",
        "Ask for a fee waiver before you pay",
    ]
    assert str(spanish.facts[2].value) == "Inglés y español"
    assert spanish.url == "/es/provider-a/enroll"


def test_an_empty_list_says_why_and_what_next(world: World, client: Client) -> None:
    narrowed = client.get("/providers?district=nysb")
    with as_system():
        for provider in (world.provider_a, world.provider_b):
            provider.provider_profile.is_active = False
            provider.provider_profile.save()
    bare = client.get("/providers")

    assert "No provider fits all of that" in narrowed.content.decode()
    assert "No provider is open here yet" in bare.content.decode()


def test_the_list_asks_the_database_as_often_for_few_providers_as_for_many(world: World, client: Client) -> None:
    counts = {}
    for more in (0, 12):
        with as_system():
            for number in range(more):
                cases.make_district_approval(make_provider(f"More {number}", f"more-{number}"), "CC")
        client.get("/providers")
        with CaptureQueriesContext(connection) as queries:
            response = client.get("/providers")
        counts[len(names(response))] = len(queries)

    assert (sorted(counts), len(set(counts.values()))) == ([2, 14], 1)
    assert counts[14] <= 9
    assert len(response.content) < 150_000


def test_an_application_is_kept_and_answered_with_what_comes_next(world: World, client: Client) -> None:
    """CERT-51."""
    response = client.post("/become-a-provider", APPLICATION, follow=True)

    assert response.redirect_chain == [("/become-a-provider/thanks", 302)]
    with as_system():
        [row] = ProviderApplication.objects.filter(contact_email="maria@harborlight.example")
        assert (row.status, row.kinds, row.court_ids, row.is_nonprofit, row.source_ip) == (
            "submitted", ["CC"], ["cacb"], True, "127.0.0.1",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact_email", "maria@"), ("is_nonprofit", ""), ("kinds", []), ("court_ids", ["moon"]),
        ("organization_name", ""), ("website", "javascript:alert(1)"),
    ],
)  # fmt: skip
def test_a_faulty_application_is_shown_again_with_the_error_at_its_field(
    world: World, client: Client, field: str, value: Any
) -> None:
    response = client.post("/become-a-provider", APPLICATION | {field: value})

    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    with as_system():
        assert not ProviderApplication.objects.filter(contact_email="maria@harborlight.example").exists()


def test_a_program_that_fills_the_hidden_field_is_thanked_and_ignored(world: World, client: Client) -> None:
    response = client.post("/become-a-provider", APPLICATION | {"fax_number": "1"})

    assert response.headers["Location"] == "/become-a-provider/thanks"
    with as_system():
        assert not ProviderApplication.objects.filter(contact_email="maria@harborlight.example").exists()


def test_too_many_applications_are_answered_with_429(world: World, client: Client) -> None:
    answers = [client.post("/become-a-provider", APPLICATION).status_code for _number in range(11)]

    assert answers == [302] * 10 + [429]
