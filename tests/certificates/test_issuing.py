"""Issuing: one transaction, one certificate, a document with true facts, and mail to the client alone."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from django.db import connection, connections
from pypdf import PdfReader

from audit.models import AuditEvent
from certificates.facts import verify_url
from certificates.models import Certificate, CourtFiling
from certificates.services.issuing import issue_certificate
from core.context import acting, system_actor
from enrollments.enums import EnrollmentStatus
from enrollments.models import Client, Enrollment
from files.services import read
from notifications.models import Message
from tests.certificates.acts import acting_as, completed, fresh, issued, official, refused
from tests.database import Databases, as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db


def certificates_of(enrollment: Enrollment) -> list[Certificate]:
    with as_system():
        return list(Certificate.objects.filter(enrollment=enrollment).select_related("pdf"))


def page_text(certificate: Certificate) -> str:
    with as_system():
        content = read(certificate.pdf)
    return " ".join(PdfReader(io.BytesIO(content or b"")).pages[0].extract_text().split())


# --- What is written --------------------------------------------------------------------------------------------------
def test_issuing_writes_certificate_document_evidence_and_mail_together(world: World) -> None:
    """CERT-100, CERT-127."""
    enrollment = completed(world, "CC")

    with as_system("certificates.issue"):
        certificate = issue_certificate(enrollment)

    assert fresh(enrollment).status == EnrollmentStatus.CERT_ISSUED
    assert (certificate.kind, certificate.status, certificate.is_simulated) == ("CC", "valid", True)
    assert certificate.number.startswith("00000-CAC-CC-")
    said = page_text(certificate)
    for words in ("Certificate of Counseling", "Client User", "Provider A, Inc.", "Central District of California",
                  certificate.number, "/s/ Counselor", "SIMULATED"):  # fmt: skip
        assert words in said
    with as_system():
        mail = Message.objects.get(event="certificate.issued", about_id=str(enrollment.pk))
        event = AuditEvent.objects.get(act="enrollment.cert_issued", target_id=str(enrollment.pk))
        file = certificate.pdf
    assert (mail.to, mail.person_id) == (world.client_user_a.email, world.client_user_a.pk)
    assert verify_url(certificate) in mail.text_body
    assert event.payload["certificate"] == str(certificate.pk)
    assert (file.organization_id, file.person_id, file.released_to_id) == (
        world.provider_a.pk, world.client_user_a.pk, None,
    )  # fmt: skip


def test_a_second_call_returns_the_same_certificate_and_writes_nothing(world: World) -> None:
    enrollment = completed(world)

    with as_system():
        first = issue_certificate(enrollment)
        second = issue_certificate(enrollment)

    assert first.pk == second.pk
    assert len(certificates_of(enrollment)) == 1
    with as_system():
        assert Message.objects.filter(event="certificate.issued", about_id=str(enrollment.pk)).count() == 1


def test_a_certificate_speaks_the_language_of_the_enrollment(world: World) -> None:
    certificate = issued(world, "CC", language="es")

    assert "Certificado de asesoría crediticia" in page_text(certificate)
    with as_system():
        mail = Message.objects.get(event="certificate.issued", about_id=str(certificate.enrollment_id))
    assert mail.subject == "Su certificado de asesoría crediticia está listo"


def test_only_debtor_education_stands_in_the_queue_for_the_court(world: World) -> None:
    education, counseling = issued(world, "DE"), issued(world, "CC")

    with as_system():
        queued = set(CourtFiling.objects.values_list("certificate", flat=True))
    assert education.pk in queued
    assert counseling.pk not in queued


def test_serials_of_a_provider_have_no_gap_and_simulated_numbers_no_double(world: World) -> None:
    made = [issued(world, kind) for kind in ("CC", "DE", "CC")]

    assert [certificate.serial for certificate in made] == [2, 3, 4]
    assert len({certificate.number for certificate in made}) == 3


def test_the_law_firm_of_the_enrollment_gets_nothing_by_itself(world: World) -> None:
    """28 CFR 58.22(a)."""
    certificate = issued(world, firm=world.firm_a)

    assert certificate.released_to_id is None
    with acting_as(world.attorney_a):
        assert not Certificate.objects.filter(pk=certificate.pk).exists()
    with as_system():
        told = set(Message.objects.filter(about_id=str(certificate.enrollment_id)).values_list("to", flat=True))
    assert told == {world.client_user_a.email}


# --- What is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["invited_a", "studying_a", "review_a"])
def test_only_a_completed_enrollment_gets_a_certificate(world: World, name: str) -> None:
    enrollment = getattr(world, name)
    with as_system(), refused("not_completed"):
        issue_certificate(enrollment)


def test_a_completion_without_a_moment_or_a_person_is_no_ground_for_a_certificate(world: World) -> None:
    nobody = completed(world, completed_by=None)
    with as_system(), refused("completion_unknown"):
        issue_certificate(nobody)


def test_a_name_that_would_print_as_boxes_is_refused_and_nothing_is_used_up(world: World) -> None:
    enrollment = completed(world)
    with as_system():
        Client.objects.filter(pk=enrollment.client_id).update(first_name="山田")
        with refused("name_unprintable"):
            issue_certificate(enrollment)
        Client.objects.filter(pk=enrollment.client_id).update(first_name="Yamada")
        assert issue_certificate(enrollment).serial == 2


def test_without_an_official_number_nothing_is_issued_or_invented(world: World) -> None:
    official(world)
    enrollment = completed(world)

    with as_system(), refused("cgs_number_missing"):
        issue_certificate(enrollment)

    assert certificates_of(enrollment) == []
    assert fresh(enrollment).status == EnrollmentStatus.COMPLETED


# --- Two at once ------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_issue_exactly_one_certificate(world: World, databases: Databases) -> None:
    """CERT-100."""
    enrollment = completed(world)
    start = threading.Barrier(4)
    made: list[Any] = []

    def issue() -> None:
        start.wait()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE app_worker")
            with acting(system_actor("test")):
                made.append(issue_certificate(enrollment).pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 4
    assert len(set(made)) == 1
    assert len(certificates_of(enrollment)) == 1
