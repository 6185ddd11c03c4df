"""Issue certificates that are due, and open them to a firm the client named."""

from __future__ import annotations

from django.conf import settings

from certificates.queries import ISSUE
from certificates.services.issuer import is_issued, request_due
from certificates.services.issuing import issue_certificate
from certificates.services.numbers import ISSUE_DUE
from certificates.services.release import SHARE, apply_direction
from core.errors import DomainError
from enrollments.models import Enrollment
from jobs.models import Job
from tasks.registry import TaskFailed, task


@task(
    ISSUE,
    timeout=30,
    max_attempts=settings.CERT_ISSUER_RETRY_ATTEMPTS,
    backoff=(settings.CERT_ISSUER_RETRY_BASE_DELAY_MS, 2),
)
def issue(job: Job) -> str:
    """Issue one certificate. Without an official number nothing failed: the issuer asks again once there is one. Any
    other refusal needs a person, so trying again is left to them."""
    enrollment = Enrollment.objects.get(pk=job.subject_id)
    if is_issued(enrollment):
        return "There is a certificate already."
    try:
        certificate = issue_certificate(enrollment)
    except DomainError as refusal:
        if refusal.code == "cgs_number_missing":
            return f"Waits: {refusal}"
        raise TaskFailed(f"{refusal.code}: {refusal}", final=True) from refusal
    return f"Issued {certificate.number}."


@task(ISSUE_DUE)
def issue_due(_job: Job) -> str:
    """Look for completed enrollments that nobody issues a certificate for, and ask for them in batches."""
    batches = request_due(size=settings.CERT_ISSUER_BATCH_SIZE, most_batches=settings.CERT_ISSUER_MAX_BATCHES_PER_TICK)
    return f"{sum(batches)} asked for in {len(batches)} batches." if batches else "Nothing is due."


@task(SHARE)
def share(job: Job) -> str:
    """Bring what a firm sees in line with what the client said last."""
    firm = apply_direction(Enrollment.objects.get(pk=job.subject_id))
    return f"Open to {firm}." if firm else "Open to no firm."
