"""The disclosures are read, and that is on the record."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from audit.services import record
from core.errors import DomainError
from enrollments.disclosures import shown
from enrollments.enums import EnrollmentStatus
from enrollments.models import DisclosureAcknowledgement, Enrollment
from enrollments.services.acceptance import accept_if_ready


@transaction.atomic
def acknowledge_disclosures(
    enrollment: Enrollment, user: User, *, language: str, ip: str | None, seen_sha256: str = ""
) -> DisclosureAcknowledgement:
    """Record that the client read the current disclosures in `language`, with the digest of exactly what was shown.

    Once per version: a second call returns the first record and changes nothing. The language is remembered on the
    enrollment, and an enrollment that is settled already is accepted. DomainError `permission_denied` for anyone but
    the client, `disclosures_changed` when `seen_sha256` is not the digest of the present text, `enrollment_closed`,
    or what `enrollments.disclosures.shown` answers.
    """
    if enrollment.client.user_id != user.pk:
        raise DomainError("permission_denied")
    if enrollment.status == EnrollmentStatus.CANCELLED:
        raise DomainError("enrollment_closed")
    now_shown = shown(enrollment, language)
    if seen_sha256 and seen_sha256 != now_shown.sha256:
        raise DomainError("disclosures_changed")
    row, is_new = DisclosureAcknowledgement.objects.get_or_create(
        enrollment=enrollment,
        disclosures=now_shown.disclosures,
        defaults={"user": user, "language": language, "shown_sha256": now_shown.sha256, "ip_address": ip},
    )
    if not is_new:
        return row
    record(
        "enrollment.disclosures_acknowledged",
        enrollment,
        payload={
            "version": now_shown.disclosures.version,
            "language": language,
            "shown_sha256": now_shown.sha256,
            "at": row.acknowledged_at,
            "ip": ip or "",
        },
    )
    if enrollment.language != language:
        enrollment.language = language
        enrollment.save(update_fields=["language", "updated_at"])
    accept_if_ready(enrollment)
    return row
