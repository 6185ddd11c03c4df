"""A stranger asks a provider for a course; the provider answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from audit.services import record
from core import limits
from core.errors import DomainError
from core.transitions import transition
from enrollments.enums import FilingMode, RequestStatus
from enrollments.models import Enrollment, EnrollmentRequest
from enrollments.offers import refuse_offer
from enrollments.services.invitations import invite_client
from enrollments.services.opening import open_enrollments
from enrollments.validators import clean_name
from enrollments.values import Case, Person
from enrollments.wording import column_labels
from organizations.models import Organization
from providers.enums import CourseKind

_FACTS = ("first_name", "last_name", "spouse_first_name", "spouse_last_name")


def submit_request(provider: Organization, data: Mapping[str, Any], *, ip: str | None, page: str) -> EnrollmentRequest:
    """Keep a stranger's wish for a course; open to everyone, ten in ten minutes from one address and five a day for
    one e-mail.

    `data`: kind, court_id, mode, first_name, last_name, email, and where they apply phone, spouse_first_name,
    spouse_last_name, spouse_email, language, chapter, first_set_341_date, de_filing_deadline. The stranger cannot read
    the row back. DomainError `too_many_requests`, `name_invalid`, `joint_needs_spouse`, `joint_email_shared`,
    `unknown_chapter`, `de_not_required`, or what `refuse_offer` answers.
    """
    email = data["email"].strip().lower()
    limits.hit("enrollment_request", ip or "unknown", limit=10, seconds=600)
    limits.hit("enrollment_request_email", email, limit=5, seconds=86_400)
    _check_people(data, email)
    _check_chapter(data)
    refusal = refuse_offer(provider, data["court_id"], data["kind"])
    if refusal is not None:
        raise refusal
    is_joint = data["mode"] == FilingMode.JOINT
    request = EnrollmentRequest.objects.create(
        provider=provider,
        kind=data["kind"],
        mode=data["mode"],
        district_id=data["court_id"],
        **{name: clean_name(data[name]) for name in _FACTS if is_joint or not name.startswith("spouse")},
        email=email,
        phone=data.get("phone", ""),
        spouse_email=data["spouse_email"].strip().lower() if is_joint else "",
        language=data.get("language", "en"),
        chapter=data.get("chapter", ""),
        case_number=data.get("case_number", ""),
        first_set_341_date=data.get("first_set_341_date"),
        de_filing_deadline=data.get("de_filing_deadline"),
        source_page=page[:200],
        source_ip=ip,
    )
    record("enrollmentrequest.submitted", request, payload={"kind": request.kind, "mode": request.mode})
    return request


def _check_people(data: Mapping[str, Any], email: str) -> None:
    if data["mode"] != FilingMode.JOINT:
        return
    spouse = ("spouse_first_name", "spouse_last_name", "spouse_email")
    missing = column_labels(EnrollmentRequest, [name for name in spouse if not data.get(name)])
    if missing:
        raise DomainError("joint_needs_spouse", missing=", ".join(missing))
    if data["spouse_email"].strip().lower() == email:
        raise DomainError("joint_email_shared")


def _check_chapter(data: Mapping[str, Any]) -> None:
    if data["kind"] != CourseKind.DE:
        return
    if data.get("chapter") == "12":
        raise DomainError("de_not_required")
    if data.get("chapter") not in ("7", "11", "13"):
        raise DomainError("unknown_chapter")


def move_request(request: EnrollmentRequest, to: str, *, reason: str = "") -> EnrollmentRequest:
    """Change the status of a request along its table; `invited` does what it says: it converts and invites.

    DomainError `transition_not_allowed`, or those of `convert_and_invite`.
    """
    if to == RequestStatus.INVITED and request.status != RequestStatus.INVITED:
        convert_and_invite(request)
        request.refresh_from_db(fields=["status", "updated_at"])
        return request
    return transition(request, to, reason=reason)


@transaction.atomic
def convert_and_invite(request: EnrollmentRequest) -> list[Enrollment]:
    """Make one enrollment of a request, or two linked ones of a joint request, and invite each client by mail.

    The request becomes `invited`. A repeat changes nothing, sends nothing and returns the same enrollments.
    DomainError `transition_not_allowed` for a request that was rejected or cancelled, what `refuse_offer` answers
    (before the client pays anything), a missing deadline of debtor education, `joint_email_shared`,
    `enrollment_exists`.
    """
    locked = EnrollmentRequest.objects.locked().get(pk=request.pk)
    made = list(locked.enrollments.with_people().order_by("created_at", "id"))
    if locked.status == RequestStatus.INVITED:
        return made
    if RequestStatus.INVITED not in locked.transitions["status"][locked.status]:
        raise DomainError("transition_not_allowed", before=locked.status, after=RequestStatus.INVITED.value)
    people = [Person(locked.first_name, locked.last_name, locked.email, locked.phone)]
    if locked.mode == FilingMode.JOINT:
        people.append(Person(locked.spouse_first_name, locked.spouse_last_name, locked.spouse_email))
    case = Case(
        locked.kind, locked.district_id, locked.chapter, locked.case_number,
        locked.first_set_341_date, locked.de_filing_deadline,
    )  # fmt: skip
    made = open_enrollments(locked.provider, people, case, language=locked.language, request=locked)
    transition(locked, RequestStatus.INVITED, payload={"enrollments": [enrollment.pk for enrollment in made]})
    for enrollment in made:
        invite_client(enrollment)
    return made
