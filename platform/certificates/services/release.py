"""Who besides the client receives a certificate: nobody, until the client says so (28 CFR 58.22(a), 58.35(a))."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.services import record
from certificates.models import Certificate, ReleaseDirection
from core.errors import DomainError
from enrollments.models import Enrollment
from files.models import StoredFile
from jobs.services import enqueue
from organizations.models import Organization

SHARE = "certificates.share"


def last_direction(enrollment: Enrollment) -> ReleaseDirection | None:
    """The client's last word, or None when they never said anything."""
    return ReleaseDirection.objects.filter(enrollment_id=enrollment.pk).order_by("-directed_at", "-created_at").first()


def directed_firm(enrollment: Enrollment) -> UUID | None:
    """The firm that may have the certificate now."""
    direction = last_direction(enrollment)
    return direction.firm_id if direction is not None and direction.releases else None


def release_to_firm(enrollment: Enrollment, firm: Organization, user: User, *, statement: str) -> ReleaseDirection:
    """The client directs that `firm` may have the certificate, now or once it is issued. `statement` is what they
    agreed to, word for word. A job opens the certificate to the firm. DomainError `release_not_yours`,
    `release_no_firm`."""
    if firm.pk != enrollment.firm_id or not firm.is_firm:
        raise DomainError("release_no_firm")
    return _direct(enrollment, firm.pk, user, releases=True, statement=statement)


def withdraw_release(enrollment: Enrollment, user: User, *, statement: str) -> ReleaseDirection | None:
    """The client takes it back; what the firm has downloaded it keeps. None when nothing is released.
    DomainError `release_not_yours`."""
    firm = directed_firm(enrollment)
    return _direct(enrollment, firm, user, releases=False, statement=statement) if firm else None


@transaction.atomic
def _direct(enrollment: Enrollment, firm: UUID, user: User, *, releases: bool, statement: str) -> ReleaseDirection:
    if enrollment.client.user_id != user.pk:
        raise DomainError("release_not_yours")
    direction = ReleaseDirection.objects.create(
        enrollment=enrollment, firm_id=firm, directed_by=user, releases=releases, statement=statement
    )
    record(
        "certificate.release_directed" if releases else "certificate.release_withdrawn",
        direction,
        payload={"enrollment": enrollment.pk, "firm": firm, "directed_by": user.pk},
    )
    enqueue(SHARE, enrollment, dedupe_key=f"{SHARE}:{direction.pk}", organization=enrollment.provider_id)
    return direction


@transaction.atomic
def apply_direction(enrollment: Enrollment) -> UUID | None:
    """Bring the certificates of the enrollment and their documents in line with the client's last word; returns the
    firm that sees them now. Needs a context that may write them: the provider's, or the worker's."""
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    firm = directed_firm(locked)
    for certificate in Certificate.objects.locked().filter(enrollment=locked):
        if certificate.released_to_id != firm:
            certificate.released_to_id = firm
            certificate.save(update_fields=["released_to", "updated_at"])
            if certificate.pdf_id:
                StoredFile.objects.filter(pk=certificate.pdf_id).update(released_to_id=firm)
            record("certificate.released" if firm else "certificate.withdrawn", certificate, payload={"firm": firm})
    return firm
