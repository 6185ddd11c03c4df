"""The console's part of certificates: the counselor's list, the dialogs, numbers, and the queue for the court."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from certificates.enums import CertificateStatus, FilingStatus
from certificates.models import Certificate, CgsNumber, CourtFiling
from core import clock
from core.context import acting
from enrollments.enums import EnrollmentStatus
from enrollments.models import CounselorInteraction, Enrollment
from organizations.actors import load_actor
from resources.certificates import CgsNumberResource
from resources.importing import run_import
from tests.admin_site import addresses
from tests.certificates.acts import completed, fresh, issued, official, under_review
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db

COURT = ZoneInfo("America/Los_Angeles")
QUEUE = "admin:enrollments_counselorinteraction_queue"
LEVELS = "admin:certificates_cgsnumber_levels"
NOTICE = b"%PDF-1.4 notice"


def pdf(content: bytes = NOTICE) -> SimpleUploadedFile:
    return SimpleUploadedFile("notice.pdf", content, "application/pdf")


def text_of(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def stamp(moment: dt.datetime) -> str:
    return moment.astimezone(COURT).strftime("%Y-%m-%dT%H:%M")


# --- Counselors -------------------------------------------------------------------------------------------------------
def test_the_counselors_list_says_who_waits_and_what_is_missing(world: World, client: Client) -> None:
    """CERT-98, CERT-99."""
    short = under_review(world, seconds=3000)
    sign_in(client, world.counselor_a)

    seen = text_of(client.get(reverse(QUEUE)))

    assert "50 of 60 minutes" in seen
    assert "cc_minimum_time_required" in seen
    assert "interaction_required" in seen
    assert addresses.action(short, "record_talk") in seen
    assert addresses.action(short, "complete") not in seen
    assert addresses.action(world.review_a, "complete") in seen
    assert str(world.review_b.pk) not in seen


def test_the_counselors_list_costs_the_same_for_one_and_for_ten(world: World, client: Client) -> None:
    sign_in(client, world.counselor_a)
    client.get(reverse(QUEUE))
    with CaptureQueriesContext(connection) as one:
        client.get(reverse(QUEUE))
    for _ in range(9):
        under_review(world)
    with CaptureQueriesContext(connection) as ten:
        client.get(reverse(QUEUE))
    assert len(ten) == len(one)


def test_a_counselor_records_a_talk_on_the_courts_clock_and_completes(world: World, client: Client) -> None:
    enrollment = under_review(world)
    ended = clock.now().replace(second=0, microsecond=0) - dt.timedelta(minutes=2)
    sign_in(client, world.counselor_a)

    assert "America/Los Angeles" in text_of(client.get(addresses.action(enrollment, "record_talk")))
    client.post(
        addresses.action(enrollment, "record_talk"),
        {
            "method": "phone", "started_at": stamp(ended - dt.timedelta(minutes=20)), "ended_at": stamp(ended),
            "identity_confirmed": "on", "notes": "Rent.", "debt_plan": pdf(),
        },
    )  # fmt: skip
    client.post(addresses.action(enrollment, "complete"))

    done = fresh(enrollment)
    with as_system():
        talk = CounselorInteraction.objects.select_related("debt_plan").get(enrollment=enrollment)
    assert (talk.ended_at, talk.counselor_id, talk.identity_confirmed) == (ended, world.counselor_a.pk, True)
    assert talk.debt_plan.size == len(NOTICE)
    assert (done.status, done.completed_at, done.completed_by_id) == (
        EnrollmentStatus.COMPLETED, ended, world.counselor_a.pk,
    )  # fmt: skip


def test_completing_too_early_is_shown_with_its_reason_and_changes_nothing(world: World, client: Client) -> None:
    enrollment = under_review(world)
    sign_in(client, world.counselor_a)

    dialog = text_of(client.get(addresses.action(enrollment, "complete")))
    client.post(addresses.action(enrollment, "complete"))

    assert "interaction_required" in dialog
    assert 'type="submit"' not in dialog.partition('id="dialog"')[2].partition("</form>")[0]
    assert fresh(enrollment).status == EnrollmentStatus.REVIEW


def test_a_course_is_given_back_with_a_reason(world: World, client: Client) -> None:
    enrollment = under_review(world)
    sign_in(client, world.counselor_a)
    client.post(addresses.action(enrollment, "give_back"), {"reason": "Please finish chapter four."})
    assert fresh(enrollment).status == EnrollmentStatus.IN_PROGRESS


@pytest.mark.parametrize(
    ("name", "status"), [("counselor_b", 404), ("attorney_a", 403), ("auditor", 403), ("platform_support", 403)]
)
def test_nobody_else_completes(world: World, client: Client, name: str, status: int) -> None:
    enrollment = under_review(world)
    sign_in(client, getattr(world, name))
    assert client.post(addresses.action(enrollment, "complete")).status_code == status
    assert fresh(enrollment).status == EnrollmentStatus.REVIEW


def test_an_administrator_issues_by_hand(world: World, client: Client) -> None:
    """CERT-102."""
    enrollment = completed(world)
    sign_in(client, world.provider_admin_a)
    client.post(addresses.action(enrollment, "issue_by_hand"))
    with as_system():
        made = Certificate.objects.get(enrollment=enrollment)
    assert (made.status, made.issued_by_id) == (CertificateStatus.VALID, world.provider_admin_a.pk)


# --- Certificates -----------------------------------------------------------------------------------------------------
def test_the_record_shows_what_is_printed_and_gives_the_document(world: World, client: Client) -> None:
    certificate = issued(world)
    sign_in(client, world.provider_admin_a)

    seen = text_of(client.get(addresses.record(certificate)))
    document = client.get(addresses.record(certificate, "download"), follow=True)

    assert "Client User" in seen
    assert f"/verify/{certificate.verification_code[:4]}" in seen
    assert document.content.startswith(b"%PDF-")


def test_replacing_and_revoking_need_a_reason(world: World, client: Client) -> None:
    old = issued(world)
    sign_in(client, world.provider_admin_a)

    client.post(addresses.action(old, "replace"), {"reason": "", "client_name": "Zoe Zimmer"})
    assert fresh(old).status == CertificateStatus.VALID
    client.post(addresses.action(old, "replace"), {"reason": "Name corrected.", "client_name": "Zoe Zimmer"})
    with as_system():
        new = Certificate.objects.get(replaces=old)
    client.post(addresses.action(new, "revoke"), {"reason": "In error."})

    assert (fresh(old).status, fresh(new).status) == (CertificateStatus.REPLACED, CertificateStatus.REVOKED)
    assert new.facts["client_name"] == "Zoe Zimmer"


@pytest.mark.parametrize("name", ["counselor_a", "attorney_a", "platform_support"])
def test_a_counselor_or_a_firm_revokes_nothing(world: World, client: Client, name: str) -> None:
    sign_in(client, getattr(world, name))
    assert client.post(addresses.action(world.certificate_a, "revoke"), {"reason": "x"}).status_code == 403
    assert fresh(world.certificate_a).status == CertificateStatus.VALID


def test_a_firm_lists_only_certificates_that_were_released_to_it(world: World, client: Client) -> None:
    """CERT-103; 28 CFR 58.22(a)."""
    hidden = issued(world, firm=world.firm_a)
    sign_in(client, world.attorney_a)
    seen = text_of(client.get(addresses.listing(Certificate)))
    assert world.certificate_a.number in seen
    assert hidden.number not in seen
    assert client.get(addresses.record(hidden)).status_code == 404


# --- Numbers ----------------------------------------------------------------------------------------------------------
def test_the_pools_and_what_waits_for_a_number_stand_on_one_page(world: World, client: Client) -> None:
    official(world)
    enrollment = completed(world)
    sign_in(client, world.provider_admin_a)
    seen = text_of(client.get(reverse(LEVELS)))
    assert "Needs an official number" in seen
    assert "not enough numbers" in seen
    assert f"enrollment={enrollment.pk}" in seen


def test_a_number_is_typed_and_checked(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    form = {"kind": "DE", "district": "cacb", "number": "01234-CAC-DE-000000007", "enrollment": "", "batch": "May"}

    client.post(addresses.adding(CgsNumber), form)
    wrong = client.post(addresses.adding(CgsNumber), {**form, "number": "01234-CAC-CC-000000008"}, follow=True)

    with as_system():
        found = list(CgsNumber.objects.filter(batch="May").values_list("number", "provider"))
    assert found == [("01234-CAC-DE-000000007", world.provider_a.pk)]
    assert "cgs_number_wrong_kind" in wrong.content.decode()


@pytest.mark.parametrize("name", ["counselor_a", "attorney_a"])
def test_only_administrators_see_the_pool(world: World, client: Client, name: str) -> None:
    sign_in(client, getattr(world, name))
    assert client.get(reverse(LEVELS)).status_code == 403
    assert client.get(addresses.listing(CgsNumber)).status_code == 403


# --- The court --------------------------------------------------------------------------------------------------------
def filing_of(certificate: Certificate) -> CourtFiling:
    with as_system():
        return CourtFiling.objects.get(certificate=certificate)


def test_a_filing_is_marked_with_evidence_that_can_be_read_again(world: World, client: Client) -> None:
    filing = filing_of(issued(world))
    sign_in(client, world.provider_admin_a)
    today = clock.today("America/Los_Angeles").isoformat()

    client.post(
        addresses.action(filing, "file"),
        {"filed_on": today, "docket_number": "17", "evidence": pdf(b"<html>")},
    )
    assert fresh(filing).status == FilingStatus.QUEUED
    client.post(addresses.action(filing, "file"), {"filed_on": today, "docket_number": "17", "evidence": pdf()})
    kept = client.get(addresses.record(filing, "download_evidence"), follow=True)
    client.post(addresses.action(filing, "returned"), {"reason": "Wrong case."})

    assert kept.content == NOTICE
    assert fresh(filing).status == FilingStatus.RETURNED
    with as_system():
        assert Enrollment.objects.get(pk=filing.enrollment_id).status == EnrollmentStatus.FILED


@pytest.mark.parametrize("model", [Certificate, CourtFiling, CgsNumber, CounselorInteraction])
def test_a_list_costs_the_same_for_one_and_for_more(world: World, client: Client, model: Any) -> None:
    sign_in(client, world.provider_admin_a)
    client.get(addresses.listing(model))
    with CaptureQueriesContext(connection) as few:
        client.get(addresses.listing(model))
    for _ in range(3):
        issued(world)
    with CaptureQueriesContext(connection) as more:
        client.get(addresses.listing(model))
    assert len(more) <= len(few)


# --- A file of numbers ------------------------------------------------------------------------------------------------
def rows(*lines: tuple[str, ...]) -> bytes:
    return "\r\n".join(",".join(line) for line in [("number", "enrollment_id", "batch"), *lines]).encode()


def run(world: World, content: bytes, *, dry_run: bool) -> Any:
    with as_system():
        actor, provider = load_actor(world.provider_admin_a), world.provider_a
    with acting(actor):
        return run_import(CgsNumberResource(actor, provider), content, name="numbers.csv", dry_run=dry_run)


def pool(world: World) -> set[str]:
    with as_system():
        found = CgsNumber.objects.filter(provider=world.provider_a, batch="May")
        return set(found.values_list("number", flat=True))


def test_a_file_of_numbers_is_judged_row_by_row(world: World) -> None:
    good, typed = ("01234-CAC-DE-000000007", "", "May"), ("01234–cac–cc–000000008", "", "May")
    bad = [("00000-CAC-DE-000000001", "", "May"), ("nonsense", "", "May"), ("01234-XXX-DE-000000001", "", "May"),
           ("01234-CAC-DE-000000009", str(world.review_b.pk), "May")]  # fmt: skip

    refused = run(world, rows(good, typed, *bad), dry_run=False)
    nothing = pool(world)
    accepted = run(world, rows(good, typed), dry_run=False)
    twice = run(world, rows(good, typed), dry_run=False)

    assert [error.code for error in refused.errors] == [
        "cgs_number_simulated", "cgs_number_invalid", "unknown_court", "import_reference_unknown",
    ]  # fmt: skip
    assert nothing == set()
    assert pool(world) == {"01234-CAC-DE-000000007", "01234-CAC-CC-000000008"}
    assert (accepted.counts["created"], twice.counts["skipped"]) == (2, 2)
