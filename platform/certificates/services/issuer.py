"""The issuer's look: ask for every certificate that is due and that nobody asks for."""

from __future__ import annotations

from certificates.models import Certificate
from certificates.queries import issuable
from certificates.services.issuing import request_certificate
from enrollments.models import Enrollment


def is_issued(enrollment: Enrollment) -> bool:
    return Certificate.objects.valid().filter(enrollment=enrollment).exists()


def request_due(*, size: int, most_batches: int) -> list[int]:
    """Ask for what is due, oldest first, at most `most_batches` of `size`; returns how many each batch had. What is
    left over is taken at the next look. Needs the system context."""
    batches: list[int] = []
    while len(batches) < most_batches:
        batch = list(issuable()[:size])
        for enrollment in batch:
            request_certificate(enrollment, attempt=enrollment.asked + 1)  # type: ignore[attr-defined]  # -- annotated
        if batch:
            batches.append(len(batch))
        if len(batch) < size:
            break
    return batches
