"""Anyone checks a certificate: true facts, one shape of answer, a limit, and nothing about the person but initials."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from certificates.codes import grouped, new_code
from certificates.models import Certificate
from certificates.services.changes import replace_certificate, revoke_certificate
from certificates.services.verification import Standing, Verification, masked, verify
from organizations.models import ProviderProfile
from tests.certificates.acts import fresh, issued
from tests.database import as_system
from tests.factories.names import World
from tests.website.reading import Page, inline_code

pytestmark = pytest.mark.django_db

COURT = ZoneInfo("America/Los_Angeles")
JSON = {"accept": "application/json"}


def ask(client: Client, code: str, **options: Any) -> Any:
    return client.get(f"/verify/{code}", headers=JSON, **options).json()["certificate"]


def test_a_valid_certificate_shows_what_a_verifier_needs_and_only_initials(world: World, client: Client) -> None:
    """CERT-A06."""
    certificate = issued(world)

    page = client.get(f"/verify/{grouped(certificate.verification_code)}").content.decode()
    answer = ask(client, certificate.verification_code)

    assert answer == {
        "state": "valid",
        "simulated": True,
        "kind": "DE",
        "number": certificate.number,
        "agency": "Provider A, Inc.",
        "district": "Central District of California",
        "client": "C•••• U••••",
        "completed_on": certificate.enrollment.completed_at.astimezone(COURT).date().isoformat(),
        "issued_on": certificate.issued_at.astimezone(COURT).date().isoformat(),
        "closed_on": None,
    }
    for text in (certificate.number, "C•••• U••••", "Provider A, Inc.", "Simulated: not valid for any court"):
        assert text in page
    for hidden in ("Client User", "26-12345", world.client_user_a.email, str(certificate.enrollment_id)):
        assert hidden not in page


@pytest.mark.parametrize("typed", ["{code}", "{dashed}", "{lower}", "%20{dashed}%20"])
def test_the_code_is_read_with_and_without_dashes_in_any_case(world: World, client: Client, typed: str) -> None:
    code = issued(world).verification_code
    path = typed.format(code=code, dashed=grouped(code), lower=grouped(code).lower())
    assert ask(client, path)["state"] == "valid"


def test_an_official_certificate_is_not_called_simulated(world: World, client: Client) -> None:
    certificate = issued(world)
    with as_system():
        Certificate.objects.filter(pk=certificate.pk).update(is_simulated=False)

    page = client.get(f"/verify/{certificate.verification_code}").content.decode()

    assert "This certificate is valid" in page
    assert "imulated" not in page


def test_replaced_and_revoked_certificates_say_so_and_the_new_one_is_valid(world: World, client: Client) -> None:
    """CERT-A07; D-16: a corrected name stands on the new one only."""
    old, wrong = issued(world), issued(world, "CC")
    with as_system():
        new = replace_certificate(old, reason="Name corrected.", client_name="Zoe Zimmer")
        revoke_certificate(wrong, reason="In error.")

    states = {
        code: ask(client, code) for code in (old.verification_code, new.verification_code, wrong.verification_code)
    }

    assert [answer["state"] for answer in states.values()] == ["replaced", "valid", "revoked"]
    assert [answer["client"] for answer in states.values()] == ["C•••• U••••", "Z•••• Z••••", "C•••• U••••"]
    assert states[old.verification_code]["closed_on"] == fresh(old).closed_at.date().isoformat()
    assert "This certificate was revoked" in client.get(f"/verify/{wrong.verification_code}").content.decode()
    assert "This certificate was replaced" in client.get(f"/verify/{old.verification_code}").content.decode()


def test_a_certificate_stays_true_when_its_provider_is_suspended(world: World, client: Client) -> None:
    certificate = issued(world)
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(
            approval_status="suspended", is_active=False
        )
    assert ask(client, certificate.verification_code)["agency"] == "Provider A, Inc."


@pytest.mark.parametrize("code", ["A", "7K3M-QX9T-RB2W-4ZP8-HN0C", "0" * 20, "' OR 1=1 --", "%00", "ñandú", "Z" * 300])
def test_whatever_nobody_has_is_unknown_and_answered_alike(world: World, client: Client, code: str) -> None:
    """The parts are those of a known code, and all are empty."""
    answer = ask(client, code)
    assert answer == dict.fromkeys(
        ("kind", "number", "agency", "district", "client", "completed_on", "issued_on", "closed_on")
    ) | {"state": "unknown", "simulated": False}
    assert client.get(f"/verify/{code}").status_code == 200


def plain(response: Any, code: str) -> str:
    """The body without what differs by request: the code typed, the token of the form, the id of the request."""
    body = response.content.decode()
    body = body.replace(grouped(code), "CODE").replace(code, "CODE")
    return re.sub(r'(nonce|csrfmiddlewaretoken)[="\w ]*', "", body)


def test_2000_guesses_are_all_unknown(world: World) -> None:
    """D-16, short form. Control: a real code is answered otherwise."""
    certificate = issued(world)

    answers = {verify(new_code()) for _ in range(2000)}

    assert answers == {Verification(Standing.UNKNOWN)}
    assert verify(certificate.verification_code) not in answers


def test_guesses_are_answered_with_one_and_the_same_body(world: World, client: Client) -> None:
    """D-16: as a page and as JSON."""
    certificate = issued(world)
    bodies: dict[bool, set[str]] = {True: set(), False: set()}
    for number in range(100):
        code, as_page = new_code(), number % 2 == 0
        response = client.get(f"/verify/{code}", headers={} if as_page else JSON, REMOTE_ADDR=f"10.0.0.{number}")
        assert response.status_code == 200
        bodies[as_page].add(plain(response, code))

    real = certificate.verification_code
    known = {plain(client.get(f"/verify/{real}", headers=headers), real) for headers in ({}, JSON)}
    assert [len(found) for found in bodies.values()] == [1, 1]
    assert not known & (bodies[True] | bodies[False])


def test_one_address_may_ask_thirty_times_a_minute(world: World, client: Client) -> None:
    guesses = [client.get(f"/verify/{new_code()}", REMOTE_ADDR="10.9.9.9").status_code for _ in range(31)]
    refused = client.get(f"/verify/{new_code()}", headers=JSON, REMOTE_ADDR="10.9.9.9")
    other = client.get(f"/verify/{new_code()}", REMOTE_ADDR="10.9.9.8")

    assert guesses == [200] * 30 + [429]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_requests")
    assert int(refused["Retry-After"]) <= 60
    assert other.status_code == 200


def test_the_form_sends_to_an_address_of_its_own(client: Client) -> None:
    there = client.get("/verify/?code=7k3m qx9t rb2w 4zp8 hn0c")
    assert (there.status_code, there["Location"]) == (302, "/verify/7K3M-QX9T-RB2W-4ZP8-HN0C")
    assert "Please type the code" in client.get("/verify/?code=").content.decode()


@pytest.mark.parametrize(
    ("address", "language"), [("/verify/", "en"), ("/es/verify/", "es"), ("/es/verify/AAAA", "es")]
)
def test_the_pages_speak_both_languages_without_inline_code(client: Client, address: str, language: str) -> None:
    response = client.get(address)
    page = Page(response.content.decode())

    assert page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == 1
    assert inline_code(page) == []
    assert len(response.content) < 50_000


def test_answers_are_never_cached_and_say_that_they_vary(client: Client) -> None:
    response = client.get("/verify/AAAA")
    assert "no-store" in response["Cache-Control"]
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize(
    ("name", "shown"), [("Ana", "A••••"), ("María José Núñez", "M•••• J•••• N••••"), ("  ", ""), ("O'Brien", "O••••")]
)
def test_a_masked_name_tells_initials_and_no_length(name: str, shown: str) -> None:
    assert masked(name) == shown
