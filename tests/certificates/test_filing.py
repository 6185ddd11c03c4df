"""The way to the court: debtor education only, with evidence."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, transaction

from certificates.enums import FilingStatus
from certificates.models import CourtFiling
from certificates.services.changes import revoke_certificate
from certificates.services.filing import close_filing, mark_filed, queue_filing, return_filing
from core import clock
from enrollments.enums import EnrollmentStatus
from files.services import read
from tests.certificates.acts import acting_as, fresh, issued, refused
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

NOTICE = b"%PDF-1.4 notice of electronic filing"


def queued(world: World) -> CourtFiling:
    certificate = issued(world)
    with as_system():
        return CourtFiling.objects.select_related("enrollment").get(certificate=certificate)


def today() -> dt.date:
    return clock.today("America/Los_Angeles")


def test_a_filed_certificate_has_date_docket_and_evidence_and_ends_the_enrollment(world: World) -> None:
    """CERT-62; decision 15."""
    filing = queued(world)

    with acting_as(world.provider_admin_a):
        filed = mark_filed(filing, filed_on=today(), docket_number=" 17 ", evidence=NOTICE)
        stored = read(filed.evidence)

    assert (filed.status, filed.docket_number, filed.filed_on) == (FilingStatus.FILED, "17", today())
    assert filed.filed_by_id == world.provider_admin_a.pk
    assert stored == NOTICE
    assert fresh(filing.enrollment).status == EnrollmentStatus.FILED


def test_a_counseling_certificate_is_never_filed_by_code_or_by_hand(world: World) -> None:
    """28 CFR 58.22(i)."""
    certificate = issued(world, "CC")
    with as_system():
        with refused("cc_never_filed"):
            queue_filing(certificate)
        with pytest.raises(DatabaseError, match="only_debtor_education_is_filed"), transaction.atomic():
            CourtFiling.objects.create(
                provider=world.provider_a, enrollment=certificate.enrollment, certificate=certificate, kind="CC"
            )


@pytest.mark.parametrize(
    "evidence", [b"", b"MZ program", b"<html>", b" %PDF-1.4", b"%PDF-" + b"0" * (10 * 1024 * 1024)]
)
def test_evidence_is_a_pdf_of_bounded_size(world: World, evidence: bytes) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_a), refused("filing_evidence_required"):
        mark_filed(filing, filed_on=today(), docket_number="17", evidence=evidence)
    assert fresh(filing).status == FilingStatus.QUEUED


@pytest.mark.parametrize("days", [-1, 1])
def test_the_day_of_filing_lies_between_issue_and_today(world: World, days: int) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_a), refused("filing_date"):
        mark_filed(filing, filed_on=today() + dt.timedelta(days=days), docket_number="17", evidence=NOTICE)


def test_a_revoked_certificate_is_not_filed(world: World) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_a):
        revoke_certificate(filing.certificate, reason="In error.")
        with refused("filing_needs_certificate"):
            mark_filed(filing, filed_on=today(), docket_number="17", evidence=NOTICE)


def test_what_the_court_sends_back_stands_in_the_queue_again_and_can_be_filed(world: World) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_a):
        mark_filed(filing, filed_on=today(), docket_number="17", evidence=NOTICE)
        returned = return_filing(filing, reason="Wrong case number.")
        waiting = CourtFiling.objects.waiting().filter(pk=filing.pk).exists()
        filed = mark_filed(filing, filed_on=today(), docket_number="19", evidence=NOTICE)

    assert (returned.status, returned.note, waiting) == (FilingStatus.RETURNED, "Wrong case number.", True)
    assert (filed.status, filed.docket_number) == (FilingStatus.FILED, "19")
    assert fresh(filing.enrollment).status == EnrollmentStatus.FILED


def test_a_filing_that_others_do_is_closed_with_a_reason(world: World) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_a):
        with refused("reason_required"):
            close_filing(filing, reason="")
        closed = close_filing(filing, reason="The attorney files it.")
    assert (closed.status, closed.note) == (FilingStatus.CLOSED, "The attorney files it.")


def test_the_queue_of_one_provider_is_not_seen_by_another(world: World) -> None:
    filing = queued(world)
    with acting_as(world.provider_admin_b):
        assert not CourtFiling.objects.filter(pk=filing.pk).exists()
    with acting_as(world.client_user_a):
        assert CourtFiling.objects.filter(pk=filing.pk).exists()
