"""A person's own courses, and the one page of an enrollment."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from enrollments.disclosures import shown
from enrollments.enums import EnrollmentStatus
from enrollments.models import Client as ClientRow
from enrollments.models import Enrollment
from tests.database import as_system
from tests.enrollments.people import DETAILS, acknowledge, acting_as, own_enrollment
from tests.factories import cases
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana(world: World, client: Client) -> Client:
    """A browser of client_user_a."""
    return sign_in(client, world.client_user_a)


def page_of(enrollment: Enrollment) -> str:
    return f"/course/{enrollment.pk}"


def here(response: Any) -> str:
    return next((step.title for step in response.context["steps"] if step.is_here), "")


def fresh(enrollment: Enrollment) -> Enrollment:
    with as_system():
        return Enrollment.objects.select_related("client").get(pk=enrollment.pk)


@pytest.mark.parametrize("address", ["/my/", f"/course/{uuid.UUID(int=1)}"])
def test_a_visitor_is_asked_to_sign_in_and_brought_back(world: World, client: Client, address: str) -> None:
    response = client.get(address)

    assert response.status_code == 302
    assert response.headers["Location"].endswith(f"?next={address}")


def test_a_foreign_enrollment_and_a_missing_one_are_the_same_404(world: World, ana: Client) -> None:
    """CERT-92."""
    for pk in (world.studying_b.pk, world.spouse_enrollment_a.pk, world.invited_a.pk, uuid.uuid4()):
        assert ana.get(f"/course/{pk}").status_code == 404
        assert ana.post(f"/course/{pk}/disclosures", {}).status_code == 404
        assert ana.get(f"/course/{pk}/details").status_code == 404


def test_the_list_shows_the_persons_own_enrollments_with_the_next_step(world: World, ana: Client) -> None:
    """CERT-92."""
    enrollment = own_enrollment(world, "DE", case_number="26-12345")

    cards = ana.get("/my/").context["cards"]

    mine = {world.studying_a.pk, world.review_a.pk, world.completed_a.pk, world.certified_a.pk, enrollment.pk}
    assert {card["enrollment"].pk for card in cards} == mine
    [card] = [card for card in cards if card["enrollment"].pk == enrollment.pk]
    assert (card["title"], card["provider"], card["step"].title) == (
        "Debtor education", "Provider A", "Read what you should know",
    )  # fmt: skip
    assert card["step"].by.startswith("The court needs your certificate by ")


def test_a_person_without_courses_learns_where_to_get_one(world: World, client: Client) -> None:
    response = sign_in(client, world.stranger).get("/my/")

    assert "You have no course yet" in response.content.decode()


def test_the_list_asks_the_database_as_often_for_one_as_for_many(world: World, client: Client) -> None:
    browser, counts = sign_in(client, world.stranger), {}
    for wanted in (1, 6):
        with as_system():
            for _number in range(wanted - len(counts)):
                cases.make_enrollment(cases.make_client(world.provider_a, user=world.stranger))
        browser.get("/my/")
        with CaptureQueriesContext(connection) as queries:
            response = browser.get("/my/")
        counts[len(response.context["cards"])] = len(queries)

    assert (sorted(counts), len(set(counts.values()))) == ([1, 6], 1)
    assert counts[6] <= 16


def test_the_way_from_invitation_to_the_fee_is_walked_on_one_page(world: World, ana: Client) -> None:
    """Disclosures, then details, then the fee: CERT-79, CERT-80, UX-36."""
    enrollment = own_enrollment(world)
    address = page_of(enrollment)
    stations = [here(ana.get(address))]

    first = ana.get(address)
    assert 'name="ssn_last4"' not in first.content.decode()
    seen = first.context["form"].initial["seen"]
    answer = ana.post(f"{address}/disclosures", {"seen": seen, "agreed": "on"})
    assert (answer.status_code, answer.headers["Location"]) == (302, address)
    stations.append(here(ana.get(address)))
    assert ana.post(f"{address}/details", DETAILS).status_code == 302
    stations.append(here(ana.get(address)))
    with as_system():
        cases.make_payment(enrollment)
    stations.append(here(ana.get(address)))

    assert stations == [
        "Read what you should know", "Tell us who you are", "Pay, or ask for a fee waiver", "Take the course",
    ]  # fmt: skip
    with as_system():
        assert enrollment.acknowledgements.get().shown_sha256 == seen
    assert fresh(enrollment).client.ssn_last4 == "4321"


def test_the_digest_kept_is_of_the_text_on_the_page_in_the_readers_language(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)

    page = ana.get(f"/es{page_of(enrollment)}")
    ana.post(f"/es{page_of(enrollment)}/disclosures", {"seen": page.context["form"].initial["seen"], "agreed": "on"})

    with acting_as(world, "client_user_a"):
        spanish = shown(enrollment, "es")
    for item in spanish.items:
        assert item.title in page.content.decode()
    with as_system():
        row = enrollment.acknowledgements.get()
        assert (row.shown_sha256, row.language, row.ip_address) == (spanish.sha256, "es", "127.0.0.1")


def test_without_the_tick_nothing_is_acknowledged(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)

    response = ana.post(f"{page_of(enrollment)}/disclosures", {"seen": "0" * 64})

    assert (response.status_code, list(response.context["form"].errors)) == (422, ["agreed"])


def test_a_text_that_changed_meanwhile_is_shown_again(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)

    response = ana.post(f"{page_of(enrollment)}/disclosures", {"seen": "0" * 64, "agreed": "on"}, follow=True)

    assert "changed while you were reading" in response.content.decode()
    with as_system():
        assert not enrollment.acknowledgements.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_details_before_the_disclosures_are_refused(world: World, ana: Client, method: str) -> None:
    enrollment = own_enrollment(world)

    response = getattr(ana, method)(f"{page_of(enrollment)}/details", DETAILS)

    assert response.status_code == 409
    assert "disclosure_required" in response.content.decode()
    assert fresh(enrollment).client.ssn_last4 == ""


def test_faulty_details_are_shown_again_at_their_fields(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)
    acknowledge(world, enrollment)

    response = ana.post(f"{page_of(enrollment)}/details", DETAILS | {"ssn_last4": "12", "birth_date": "2999-01-01"})

    assert (response.status_code, sorted(response.context["form"].errors)) == (422, ["birth_date", "ssn_last4"])
    assert "2 errors" not in response.content.decode()


def test_the_last_four_digits_are_never_shown_again(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)
    acknowledge(world, enrollment)
    ana.post(f"{page_of(enrollment)}/details", DETAILS)

    correcting = ana.get(f"{page_of(enrollment)}/details")
    ana.post(f"{page_of(enrollment)}/details", DETAILS | {"ssn_last4": "", "first_name": "Anna"})

    assert "4321" not in correcting.content.decode()
    client = fresh(enrollment).client
    assert (client.first_name, client.ssn_last4) == ("Anna", "4321")


def test_an_approval_that_ended_is_said_instead_of_asking_for_money(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world)
    with as_system():
        approval = world.approval_cc_a
        approval.status = "withdrawn"
        approval.save()

    response = ana.get(page_of(enrollment))

    assert response.context.get("disclosures") is None
    assert "Provider A is not approved for Credit counseling" in response.content.decode()


def test_a_client_of_a_closed_provider_still_has_the_page(world: World, ana: Client) -> None:
    with as_system():
        profile = world.provider_a.provider_profile
        profile.approval_status, profile.is_active = "suspended", False
        profile.save()

    page, cards = ana.get(page_of(world.studying_a)), ana.get("/my/").context["cards"]

    assert page.status_code == 200
    assert "takes no new clients at the moment" in page.content.decode()
    assert len(cards) == 4


def test_staff_of_the_provider_look_on_and_cannot_act_for_the_client(world: World, client: Client) -> None:
    enrollment = own_enrollment(world)
    browser = sign_in(client, world.provider_admin_a)

    page = browser.get(page_of(enrollment))

    assert "You see this as staff" in page.content.decode()
    assert page.context.get("form") is None
    assert browser.post(f"{page_of(enrollment)}/disclosures", {"agreed": "on"}).status_code == 404


@pytest.mark.parametrize("status", EnrollmentStatus)
@pytest.mark.parametrize("kind", ["CC", "DE"])
def test_every_state_has_a_page_with_at_most_one_place_to_be(world: World, ana: Client, status: str, kind: str) -> None:
    """UX-36."""
    enrollment = own_enrollment(world, kind, status=status)

    response = ana.get(page_of(enrollment))

    places = [step for step in response.context["steps"] if step.is_here]
    is_over = status in ("cancelled", "filed") or (kind == "CC" and status == "cert_issued")
    assert (response.status_code, len(places)) == (200, 0 if is_over else 1)


def test_a_cancelled_enrollment_takes_no_acknowledgement(world: World, ana: Client) -> None:
    enrollment = own_enrollment(world, status=EnrollmentStatus.CANCELLED)

    response = ana.post(f"{page_of(enrollment)}/disclosures", {"seen": "0" * 64, "agreed": "on"})

    assert response.status_code == 409


def test_another_persons_rows_stay_out_of_reach_for_the_forms(world: World, ana: Client) -> None:
    with as_system():
        before = ClientRow.objects.get(pk=world.spouse_a.pk).ssn_last4

    ana.post(f"/course/{world.spouse_enrollment_a.pk}/details", DETAILS)

    with as_system():
        assert ClientRow.objects.get(pk=world.spouse_a.pk).ssn_last4 == before


def test_personal_pages_are_kept_out_of_caches_and_indexes(world: World, ana: Client) -> None:
    for address in ("/my/", page_of(world.studying_a)):
        response = ana.get(address)
        assert "no-store" in response.headers["Cache-Control"]
        assert '<meta name="robots" content="noindex">' in response.content.decode()


def test_the_page_speaks_spanish_to_its_reader(world: World, ana: Client) -> None:
    """UX-32."""
    enrollment = own_enrollment(world, "DE")

    page = ana.get(f"/es{page_of(enrollment)}")

    assert [step.title for step in page.context["steps"]] == [
        "Lea lo que debe saber", "Díganos quién es usted", "Pague, o pida una exención de la tarifa", "Tomar el curso",
        "Su proveedor revisa el curso", "Reciba su certificado", "El tribunal lo tiene",
    ]  # fmt: skip
    assert "El tribunal necesita su certificado a más tardar el" in page.content.decode()
    assert "He leído todo esto." in page.content.decode()
