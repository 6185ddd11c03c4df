"""Take a certificate back, or give another one in its place. Both stay on record and answer when verified."""

from __future__ import annotations

from django.db import transaction

from certificates.enums import CertificateStatus, FilingStatus
from certificates.facts import Mark
from certificates.models import Certificate, CourtFiling
from certificates.services.filing import close_filing
from certificates.services.issuing import keep_document, make_certificate, tell_client
from core import clock
from core.errors import DomainError
from core.transitions import transition
from enrollments.models import Enrollment

REVOKED = "certificate.revoked"
REPLACED = "certificate.replaced"


@transaction.atomic
def revoke_certificate(certificate: Certificate, *, reason: str) -> Certificate:
    """Valid → revoked: it was issued in error. Its document carries the mark from now on, a filing that still waits is
    closed, and the client is told. There is no way back. DomainError `reason_required`, `transition_not_allowed`."""
    _lock_enrollment(certificate, reason)
    revoked = _close(certificate, CertificateStatus.REVOKED, "revoked", reason=reason)
    for filing in CourtFiling.objects.waiting().filter(enrollment_id=revoked.enrollment_id):
        close_filing(filing, reason=reason)
    tell_client(revoked, REVOKED)
    return revoked


@transaction.atomic
def replace_certificate(certificate: Certificate, *, reason: str, client_name: str = "") -> Certificate:
    """Give a new certificate for the same enrollment in place of a valid one; returns the new one.

    `client_name` corrects how the name is printed; otherwise the client's present name is. The replacement takes a
    number of its own: the government's system gives a new one for a certificate that is issued again, and a number
    stands on one certificate only. A filing that waits goes on with the new certificate. DomainError
    `reason_required`, `transition_not_allowed`, `cgs_number_missing`, `name_unprintable`.
    """
    enrollment = _lock_enrollment(certificate, reason)
    old = _close(certificate, CertificateStatus.REPLACED, "replaced", reason=reason)
    new = make_certificate(enrollment, client_name=client_name, replaces=old)
    for filing in CourtFiling.objects.filter(enrollment=enrollment, status=FilingStatus.QUEUED):
        filing.certificate = new
        filing.save(update_fields=["certificate", "updated_at"])
    tell_client(new, REPLACED)
    return new


def _lock_enrollment(certificate: Certificate, reason: str) -> Enrollment:
    if not reason.strip():
        raise DomainError("reason_required")
    return Enrollment.objects.locked().get(pk=certificate.enrollment_id)


def _close(certificate: Certificate, to: CertificateStatus, mark: Mark, *, reason: str) -> Certificate:
    return transition(
        certificate,
        to,
        reason=reason,
        changes={
            "revoke_reason": reason.strip(),
            "closed_at": clock.now(),
            "pdf": keep_document(certificate, mark=mark),
        },
        payload={"number": certificate.number, "serial": certificate.serial},
    )
