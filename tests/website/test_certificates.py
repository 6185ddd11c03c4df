"""The certificate on the person's one page."""

from __future__ import annotations

import pytest
from django.test import Client

from certificates.facts import verify_url
from certificates.models import Certificate, CourtFiling, ReleaseDirection
from certificates.services.filing import mark_filed
from core import clock
from enrollments.enums import EnrollmentStatus
from enrollments.models import Client as Person
from organizations.models import ProviderProfile
from tests.certificates.acts import completed, fresh, issued
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.factories.shared import make_file
from tests.web import sign_in
from tests.work import run_due

pytestmark = pytest.mark.django_db


def page(client: Client, enrollment_id: object, language: str = "") -> str:
    response = client.get(f"{language}/course/{enrollment_id}")
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_the_client_sees_downloads_and_can_pass_on_the_certificate(world: World, client: Client) -> None:
    """CERT-103, UX-41."""
    certificate = issued(world, "CC")
    sign_in(client, world.client_user_a)

    seen = page(client, certificate.enrollment_id)
    document = client.get(f"/course/{certificate.enrollment_id}/certificate", follow=True)

    for text in ("Your certificate", certificate.number, verify_url(certificate), "good for 180 days",
                 "We never send it to the court", "This is a demonstration"):  # fmt: skip
        assert text in seen
    assert document.content.startswith(b"%PDF-")
    assert certificate.number in document["Content-Disposition"]


def test_the_other_language_and_plain_text_are_made_from_the_same_facts(world: World, client: Client) -> None:
    certificate = issued(world, "CC")
    sign_in(client, world.client_user_a)
    address = f"/course/{certificate.enrollment_id}/certificate"

    spanish, text = client.get(f"{address}?language=es"), client.get(f"{address}?as=text")
    nonsense = client.get(f"{address}?language=tlh")

    assert spanish.content.startswith(b"%PDF-")
    assert "-es.pdf" in spanish["Content-Disposition"]
    assert "Certificate of Counseling" in text.content.decode()
    assert (text["Content-Type"], nonsense.status_code) == ("text/plain; charset=utf-8", 302)


def test_what_waits_says_until_when(world: World, client: Client) -> None:
    enrollment = completed(world)
    sign_in(client, world.client_user_a)
    seen = page(client, enrollment.pk)
    assert "Your certificate is on its way" in seen
    assert "at the latest" in seen
    assert "Issue Certificate" not in seen


def test_the_client_follows_the_way_to_the_court(world: World, client: Client) -> None:
    certificate = issued(world)
    sign_in(client, world.client_user_a)

    before = page(client, certificate.enrollment_id)
    with as_system():
        filing = CourtFiling.objects.get(certificate=certificate)
        mark_filed(filing, filed_on=clock.today("America/Los_Angeles"), docket_number="17", evidence=b"%PDF-1.4 n")
    after = page(client, certificate.enrollment_id)

    assert "in the queue for the court" in before
    assert "The court needs your certificate by" in before
    assert "Your provider filed it with the court on" in after
    assert "Docket number: 17" in after


def test_the_client_gives_it_to_the_firm_and_takes_it_back(world: World, client: Client) -> None:
    with as_system():
        Person.objects.filter(pk=world.client_a.pk).update(firm=world.firm_a)
    certificate = issued(world, firm=world.firm_a)
    attorney = sign_in(Client(), world.attorney_a)
    sign_in(client, world.client_user_a)
    address = f"/course/{certificate.enrollment_id}"

    assert "Give it to Firm A" in page(client, certificate.enrollment_id)
    assert certificate.number not in page(attorney, certificate.enrollment_id)
    assert attorney.get(f"{address}/certificate").status_code == 404

    client.post(f"{address}/certificate/release")
    run_due("certificates.share")
    assert "You said that Firm A gets your certificate." in page(client, certificate.enrollment_id)
    assert certificate.number in page(attorney, certificate.enrollment_id)
    assert attorney.get(f"{address}/certificate", follow=True).content.startswith(b"%PDF-")

    client.post(f"{address}/certificate/withdraw")
    run_due("certificates.share")
    assert attorney.get(f"{address}/certificate").status_code == 404
    with as_system():
        words = list(
            ReleaseDirection.objects.filter(enrollment=certificate.enrollment_id)
            .order_by("directed_at")
            .values_list("statement", flat=True)
        )
    assert words == [
        "I want Firm A, my law firm, to get my certificate.",
        "I no longer want Firm A to get my certificate.",
    ]


@pytest.mark.parametrize("name", ["attorney_a", "provider_admin_a", "counselor_a", "spouse_user_a", "client_user_b"])
def test_nobody_else_directs_the_release(world: World, client: Client, name: str) -> None:
    certificate = issued(world, firm=world.firm_a)
    sign_in(client, getattr(world, name))
    assert client.post(f"/course/{certificate.enrollment_id}/certificate/release").status_code == 404
    with as_system():
        assert not ReleaseDirection.objects.filter(enrollment=certificate.enrollment_id).exists()


@pytest.mark.parametrize("name", ["client_user_b", "spouse_user_a", "stranger", "attorney_b"])
def test_nobody_else_downloads_the_certificate(world: World, client: Client, name: str) -> None:
    certificate = issued(world)
    sign_in(client, getattr(world, name))
    assert client.get(f"/course/{certificate.enrollment_id}/certificate").status_code == 404
    assert client.get(f"/course/{certificate.enrollment_id}/certificate?as=text").status_code == 404


def test_the_debt_plan_goes_with_the_counseling_certificate(world: World, client: Client) -> None:
    enrollment = completed(world, "CC")
    with as_system():
        plan = make_file(world.provider_a, person=world.client_user_a)
        cases.make_interaction(enrollment, world.counselor_a, debt_plan=plan)
    certificate = issued(world, "CC")
    sign_in(client, world.client_user_a)

    assert client.get(f"/course/{enrollment.pk}/certificate/plan").status_code == 302
    assert client.get(f"/course/{certificate.enrollment_id}/certificate/plan").status_code == 404


def test_staff_issue_by_hand_where_the_worker_does_not(world: World, client: Client) -> None:
    """CERT-102: same service, same evidence, same mail."""
    enrollment = completed(world)
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(issues_automatically=False)
    counselor = sign_in(Client(), world.counselor_a)
    sign_in(client, world.provider_admin_a)

    assert "Issue Certificate" in page(client, enrollment.pk)
    assert "Issue Certificate" not in page(counselor, enrollment.pk)
    assert counselor.post(f"/course/{enrollment.pk}/certificate/issue").status_code == 403
    assert client.post(f"/course/{enrollment.pk}/certificate/issue").status_code == 302

    assert fresh(enrollment).status == EnrollmentStatus.CERT_ISSUED
    with as_system():
        assert Certificate.objects.get(enrollment=enrollment).issued_by == world.provider_admin_a


def test_the_certificate_stays_with_its_holder_when_the_provider_is_closed(world: World, client: Client) -> None:
    certificate = issued(world)
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(
            approval_status="suspended", is_active=False
        )
    sign_in(client, world.client_user_a)

    assert certificate.number in page(client, certificate.enrollment_id)
    assert client.get(f"/course/{certificate.enrollment_id}/certificate", follow=True).status_code == 200
