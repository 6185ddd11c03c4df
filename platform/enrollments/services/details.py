"""What the client tells about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from audit.services import record
from core.errors import DomainError
from enrollments.enums import Chapter, EnrollmentStatus
from enrollments.guards import disclosure_guard
from enrollments.identity import identity_of
from enrollments.models import Client, Enrollment
from enrollments.validators import clean_birth_date, clean_case_number, clean_name, clean_ssn_last4
from providers.enums import CourseKind

OPEN = frozenset({EnrollmentStatus.INVITED, EnrollmentStatus.ENROLLED, EnrollmentStatus.IN_PROGRESS})


@transaction.atomic
def save_details(enrollment: Enrollment, data: Mapping[str, Any]) -> Enrollment:
    """Keep the legal name, birth date and last four digits, and for debtor education chapter and case number.

    Only what `data` holds is changed: first_name, last_name, birth_date, ssn_last4, phone, chapter, case_number.
    Nothing may be asked before the disclosures are acknowledged. Birth date and digits are sealed; the digest for
    finding duplicates follows them. A deadline that stands is not moved. DomainError `disclosure_required`,
    `details_locked` once the counselor has the enrollment, `de_not_required`, or a code of `enrollments.validators`.
    """
    if enrollment.status not in OPEN:
        raise DomainError("details_locked")
    refusal = disclosure_guard(enrollment)
    if refusal is not None:
        raise refusal
    client = Client.objects.locked().get(pk=enrollment.client_id)
    changed = _set(client, _client_facts(data))
    client.identity_hash = identity_of(client)
    client.save(update_fields=[*changed, "identity_hash", "updated_at"])
    enrollment.client = client
    about_case = _set(enrollment, _case_facts(data)) if enrollment.kind == CourseKind.DE else []
    if about_case:
        enrollment.save(update_fields=[*about_case, "updated_at"])
    record("enrollment.details_saved", enrollment, payload={"fields": sorted([*changed, *about_case])})
    return enrollment


def _client_facts(data: Mapping[str, Any]) -> dict[str, str]:
    clean = {
        "first_name": clean_name,
        "last_name": clean_name,
        "birth_date": lambda value: clean_birth_date(value).isoformat(),
        "ssn_last4": clean_ssn_last4,
        "phone": str.strip,
    }
    return {name: check(data[name]) for name, check in clean.items() if name in data}


def _case_facts(data: Mapping[str, Any]) -> dict[str, str]:
    facts = {}
    if "chapter" in data:
        if data["chapter"] == Chapter.TWELVE:
            raise DomainError("de_not_required")
        if data["chapter"] not in Chapter.values:
            raise DomainError("unknown_chapter")
        facts["chapter"] = data["chapter"]
    if "case_number" in data:
        facts["case_number"] = clean_case_number(data["case_number"])
    return facts


def _set(row: Client | Enrollment, facts: Mapping[str, str]) -> list[str]:
    """Put `facts` on the row and name those that differ from before."""
    changed = [name for name, value in facts.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, facts[name])
    return changed
