"""Revoked and replaced certificates, and who besides the client sees one."""

from __future__ import annotations

import io

import pytest
from django.db import DatabaseError, transaction
from pypdf import PdfReader

from certificates.enums import CertificateStatus, FilingStatus
from certificates.models import Certificate, CourtFiling, ReleaseDirection
from certificates.services.changes import replace_certificate, revoke_certificate
from certificates.services.issuing import issue_certificate
from certificates.services.release import directed_firm, release_to_firm, withdraw_release
from files.models import StoredFile
from files.services import read
from notifications.models import Message
from organizations.models import Organization
from tests.certificates.acts import acting_as, completed, fresh, issued, refused
from tests.database import as_system
from tests.factories.names import World
from tests.work import run_due

pytestmark = pytest.mark.django_db

WORDS = "I want Firm A, my law firm, to get my certificate."


def page_text(certificate: Certificate) -> str:
    with as_system():
        content = read(StoredFile.objects.get(pk=certificate.pdf_id))
    return " ".join(PdfReader(io.BytesIO(content or b"")).pages[0].extract_text().split())


def filing_of(certificate: Certificate) -> CourtFiling:
    with as_system():
        return CourtFiling.objects.get(enrollment=certificate.enrollment_id)


# --- Revoke and replace -----------------------------------------------------------------------------------------------
def test_a_revoked_certificate_keeps_its_reason_carries_the_mark_and_leaves_the_queue(world: World) -> None:
    """CERT-A07."""
    certificate = issued(world)
    with acting_as(world.provider_admin_a):
        with refused("reason_required"):
            revoke_certificate(certificate, reason=" ")
        revoked = revoke_certificate(certificate, reason="Issued to the wrong person.")

    assert (revoked.status, revoked.revoke_reason) == (CertificateStatus.REVOKED, "Issued to the wrong person.")
    assert revoked.closed_at is not None
    assert "REVOKED" in page_text(fresh(certificate))
    assert filing_of(certificate).status == FilingStatus.CLOSED
    with as_system():
        mail = Message.objects.get(event="certificate.revoked")
    assert mail.to == world.client_user_a.email


def test_a_replacement_prints_the_corrected_name_under_a_number_of_its_own(world: World) -> None:
    """CERT-A07, CERT-A09: each number stands on one certificate."""
    old = issued(world)

    with acting_as(world.provider_admin_a):
        new = replace_certificate(old, reason="Second surname added.", client_name="Client  User Núñez")

    before = fresh(old)
    assert (before.status, new.status) == (CertificateStatus.REPLACED, CertificateStatus.VALID)
    assert (new.replaces_id, new.enrollment_id) == (old.pk, old.enrollment_id)
    assert (new.serial, new.number == old.number) == (old.serial + 1, False)
    assert "Client User Núñez" in page_text(new)
    assert "REPLACED" in page_text(before)
    assert filing_of(new).certificate_id == new.pk
    with as_system():
        mail = Message.objects.get(event="certificate.replaced")
    assert new.number in mail.text_body


@pytest.mark.parametrize("change", [revoke_certificate, replace_certificate])
def test_what_was_revoked_stays_revoked(world: World, change: object) -> None:
    certificate = issued(world)
    with acting_as(world.provider_admin_a):
        revoke_certificate(certificate, reason="In error.")
        with refused("transition_not_allowed"):
            change(certificate, reason="Again.")  # type: ignore[operator]  # -- one of the two services


def test_the_database_keeps_one_valid_certificate_per_enrollment(world: World) -> None:
    certificate = issued(world)
    with as_system(), pytest.raises(DatabaseError, match="one_valid_certificate"), transaction.atomic():
        Certificate.objects.create(
            provider=world.provider_a, enrollment_id=certificate.enrollment_id, kind="DE", serial=900,
            number="00000-CAC-DE-000000900", verification_code="X" * 20, facts={},
        )  # fmt: skip


# --- Release ----------------------------------------------------------------------------------------------------------
def attorney_sees(world: World, certificate: Certificate) -> tuple[bool, bool]:
    """The certificate, and its document."""
    with acting_as(world.attorney_a):
        return (
            Certificate.objects.filter(pk=certificate.pk).exists(),
            StoredFile.objects.filter(pk=fresh(certificate).pdf_id).exists(),
        )


def test_a_firm_sees_the_certificate_only_while_the_client_says_so(world: World) -> None:
    """28 CFR 58.22(a): who, when, which firm, in which words."""
    certificate = issued(world, firm=world.firm_a)
    assert attorney_sees(world, certificate) == (False, False)

    with acting_as(world.client_user_a):
        direction = release_to_firm(certificate.enrollment, world.firm_a, world.client_user_a, statement=WORDS)
    run_due("certificates.share")
    assert attorney_sees(world, certificate) == (True, True)

    with acting_as(world.client_user_a):
        withdraw_release(certificate.enrollment, world.client_user_a, statement="No longer.")
    run_due("certificates.share")
    assert attorney_sees(world, certificate) == (False, False)
    with as_system():
        said = list(
            ReleaseDirection.objects.filter(enrollment=certificate.enrollment_id)
            .order_by("directed_at")
            .values_list("directed_by", "firm", "releases", "statement")
        )
    client, firm = world.client_user_a.pk, world.firm_a.pk
    assert said == [(client, firm, True, WORDS), (client, firm, False, "No longer.")]
    assert direction.directed_at is not None


def test_a_direction_given_before_the_certificate_counts_when_it_is_issued_or_replaced(world: World) -> None:
    enrollment = completed(world, firm=world.firm_a)
    with acting_as(world.client_user_a):
        release_to_firm(enrollment, world.firm_a, world.client_user_a, statement=WORDS)

    with as_system():
        certificate = issue_certificate(enrollment)
    with acting_as(world.provider_admin_a):
        new = replace_certificate(certificate, reason="Name corrected.")

    assert attorney_sees(world, certificate) == (True, True)
    assert attorney_sees(world, new) == (True, True)


@pytest.mark.parametrize("name", ["provider_admin_a", "attorney_a", "spouse_user_a", "platform_admin"])
def test_nobody_directs_for_the_client(world: World, name: str) -> None:
    certificate = issued(world, firm=world.firm_a)
    person = getattr(world, name)
    with as_system(), refused("release_not_yours"):
        release_to_firm(fresh(certificate.enrollment), world.firm_a, person, statement=WORDS)


def test_a_firm_that_has_no_part_in_the_enrollment_gets_nothing(world: World) -> None:
    certificate = issued(world, firm=world.firm_a)
    with as_system(), refused("release_no_firm"):
        release_to_firm(certificate.enrollment, world.firm_b, world.client_user_a, statement=WORDS)
    with as_system():
        assert directed_firm(certificate.enrollment) is None


def test_the_client_knows_the_firm_that_sent_them_and_no_other(world: World) -> None:
    issued(world, firm=world.firm_a)
    with acting_as(world.client_user_a):
        firms = set(Organization.objects.filter(is_firm=True).values_list("pk", flat=True))
    assert firms == {world.firm_a.pk}
