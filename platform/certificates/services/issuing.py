"""Issue a certificate: one transaction, one certificate, whoever asks and how often."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from certificates.codes import new_code
from certificates.facts import gather_facts, printed_facts, require_printable, verify_url
from certificates.generators import PDF, CertificateGenerator
from certificates.guards import district_guard
from certificates.models import Certificate
from certificates.queries import ISSUE
from certificates.services.filing import queue_filing
from certificates.services.numbers import draw_number
from certificates.services.release import directed_firm
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.sequences import next_number
from core.transitions import transition
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from enrollments.services.invitations import course_link
from files.models import StoredFile
from files.services import store
from jobs.models import Job
from jobs.services import enqueue
from notifications.services import notify
from providers.enums import CourseKind

ISSUED = "certificate.issued"


def issues_automatically(enrollment: Enrollment) -> bool:
    """Whether the worker issues for this provider, or a person does."""
    return enrollment.provider.provider_profile.issues_automatically


def request_certificate(enrollment: Enrollment, *, attempt: int = 1) -> Job:
    """Ask the worker for the certificate. `attempt` counts the requests for this enrollment: the same one twice is
    one."""
    return enqueue(
        ISSUE,
        enrollment,
        dedupe_key=f"certificate:{enrollment.pk}:{attempt}",
        organization=enrollment.provider_id,
        max_attempts=settings.CERT_ISSUER_RETRY_ATTEMPTS,
    )


@transaction.atomic
def issue_certificate(enrollment: Enrollment, *, generator: CertificateGenerator = PDF) -> Certificate:
    """Completed → certificate issued; asked again, the certificate that is there is returned and nothing happens.

    Number, serial, code, document, history and evidence, the mail to the client, and for debtor education the place in
    the filing queue are written together or not at all. Payment is no condition (28 CFR 58.22(c), 58.35(c)).
    DomainError `not_completed`, `completion_unknown`, `district_not_approved`, `cgs_number_missing`,
    `name_unprintable`.
    """
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    present = Certificate.objects.valid().filter(enrollment=locked).first()
    if present is not None:
        return present
    if locked.status != EnrollmentStatus.COMPLETED:
        raise DomainError("not_completed")
    if refusal := district_guard(locked):
        raise refusal
    certificate = make_certificate(locked, generator=generator)
    transition(
        locked, EnrollmentStatus.CERT_ISSUED, payload={"certificate": certificate.pk, "serial": certificate.serial}
    )
    if certificate.kind == CourseKind.DE:
        queue_filing(certificate)
    tell_client(certificate, ISSUED)
    return certificate


def make_certificate(
    enrollment: Enrollment,
    *,
    client_name: str = "",
    replaces: Certificate | None = None,
    generator: CertificateGenerator = PDF,
) -> Certificate:
    """A certificate with its document, in the caller's transaction and under its lock on the enrollment."""
    actor = current_actor()
    facts = gather_facts(enrollment, client_name=client_name)
    drawn = draw_number(enrollment)
    certificate = Certificate(
        provider_id=enrollment.provider_id,
        enrollment=enrollment,
        released_to_id=directed_firm(enrollment),
        kind=enrollment.kind,
        number=drawn.number,
        is_simulated=drawn.is_simulated,
        verification_code=new_code(),
        facts=facts,
        language=enrollment.language,
        issued_at=clock.now(),
        issued_by_id=actor.user_id if actor else None,
        replaces=replaces,
    )
    require_printable(printed_facts(certificate))
    certificate.pdf = keep_document(certificate, generator=generator)
    certificate.serial = next_number(serial_name(enrollment))
    certificate.save(force_insert=True)
    return certificate


def serial_name(enrollment: Enrollment) -> str:
    """The sequence of our own gapless numbers: one for each provider."""
    return f"certificate:{enrollment.provider_id}"


def keep_document(certificate: Certificate, *, mark: Any = None, generator: CertificateGenerator = PDF) -> StoredFile:
    """Make the document and store it for the provider, the client, and the firm the client named."""
    return store(
        generator.generate(printed_facts(certificate, mark=mark)),
        name=f"certificate-{certificate.number}{generator.suffix}",
        content_type=generator.content_type,
        kind="certificate",
        organization=certificate.provider_id,
        person=certificate.enrollment.client.user_id,
        released_to=certificate.released_to_id,
    )


def tell_client(certificate: Certificate, event: str) -> None:
    """Write to the client, and to nobody else (28 CFR 58.22(a), 58.35(a)). The mail links to the page."""
    enrollment = certificate.enrollment
    notify(
        event,
        to=enrollment.client.email,
        language=enrollment.language,
        context={
            "first_name": enrollment.client.first_name,
            "organization_name": enrollment.provider.name,
            "kind": certificate.kind,
            "number": certificate.number,
            "is_simulated": certificate.is_simulated,
            "deadline": enrollment.de_filing_deadline,
            "link": course_link(enrollment),
            "verify_url": verify_url(certificate),
        },
        dedupe_key=f"{event}:{certificate.pk}",
        organization=certificate.provider_id,
        person=enrollment.client.user_id,
        about=enrollment,
    )
