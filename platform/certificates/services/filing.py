"""The way of a debtor education certificate to the court. A counseling certificate has none (28 CFR 58.22(i))."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from certificates.clocks import completion_day
from certificates.enums import FilingStatus
from certificates.models import Certificate, CourtFiling
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from files.services import store
from providers.enums import CourseKind

LARGEST_EVIDENCE = 10 * 1024 * 1024
PDF_START = b"%PDF-"


def refuse_counseling(kind: str) -> None:
    """DomainError `cc_never_filed` for a counseling certificate; the database refuses it too."""
    if kind != CourseKind.DE:
        raise DomainError("cc_never_filed")


def queue_filing(certificate: Certificate) -> CourtFiling:
    """Put a debtor education certificate in the queue for the court. DomainError `cc_never_filed`."""
    refuse_counseling(certificate.kind)
    return CourtFiling.objects.create(
        provider_id=certificate.provider_id,
        enrollment=certificate.enrollment,
        certificate=certificate,
        kind=certificate.kind,
    )


@transaction.atomic
def mark_filed(filing: CourtFiling, *, filed_on: dt.date, docket_number: str, evidence: bytes) -> CourtFiling:
    """Record that the court has the certificate: `filed_on` on the court's calendar, the docket number, and the
    court's notice as a PDF. The enrollment becomes filed.

    DomainError `cc_never_filed`, `filing_needs_certificate`, `filing_date`, `filing_evidence_required`,
    `transition_not_allowed`.
    """
    refuse_counseling(filing.kind)
    enrollment = Enrollment.objects.locked().get(pk=filing.enrollment_id)
    certificate = Certificate.objects.valid().filter(enrollment=enrollment).first()
    if certificate is None:
        raise DomainError("filing_needs_certificate")
    _check_date(certificate, filed_on)
    _check_evidence(evidence)
    actor = current_actor()
    document = store(
        evidence,
        name=f"notice-of-filing-{docket_number or certificate.number}.pdf",
        content_type="application/pdf",
        kind="filing_evidence",
        organization=filing.provider_id,
        person=enrollment.client.user_id,
    )
    filed = transition(
        filing,
        FilingStatus.FILED,
        changes={
            "certificate": certificate,
            "docket_number": docket_number.strip(),
            "filed_on": filed_on,
            "evidence": document,
            "filed_by_id": actor.user_id if actor else None,
        },
        payload={"certificate": certificate.pk, "filed_on": filed_on, "evidence": document.pk},
    )
    if enrollment.status == EnrollmentStatus.CERT_ISSUED:
        transition(enrollment, EnrollmentStatus.FILED, payload={"filing": filed.pk})
    return filed


def _check_date(certificate: Certificate, filed_on: dt.date) -> None:
    court = certificate.enrollment.district_id
    if not completion_day(certificate.issued_at, court) <= filed_on <= completion_day(clock.now(), court):
        raise DomainError("filing_date")


def _check_evidence(content: bytes) -> None:
    if not content.startswith(PDF_START) or len(content) > LARGEST_EVIDENCE:
        raise DomainError("filing_evidence_required")


def return_filing(filing: CourtFiling, *, reason: str) -> CourtFiling:
    """The court sent a filed certificate back: it stands in the queue again. DomainError `reason_required`,
    `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(filing, FilingStatus.RETURNED, reason=reason, changes={"note": reason.strip()})


def close_filing(filing: CourtFiling, *, reason: str) -> CourtFiling:
    """Nothing is to be filed: the client or their attorney did it, or the certificate was revoked. DomainError
    `reason_required`, `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(filing, FilingStatus.CLOSED, reason=reason, changes={"note": reason.strip()})
