"""Open enrollments: clients, their household, and a place in a course for each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from audit.services import record
from core.errors import DomainError
from enrollments.enums import ENDED, FINISHED
from enrollments.identity import identity_of
from enrollments.models import Client, Enrollment, EnrollmentRequest, Household
from enrollments.offers import refuse_offer
from enrollments.validators import clean_birth_date, clean_case_number, clean_name, clean_ssn_last4
from enrollments.values import Case, Person
from enrollments.wording import column_labels
from organizations.models import Organization
from providers.enums import CourseKind


@transaction.atomic
def create_enrollment(
    provider: Organization,
    person: Person,
    case: Case,
    *,
    firm: Organization | None = None,
    spouse: Person | None = None,
    language: str = "en",
) -> list[Enrollment]:
    """Enroll a client, and for a joint filing the spouse, each with an own certificate; nobody is invited yet.

    For staff and attorneys. With a spouse both clients are linked and share a household, and all five of first name,
    last name, birth date, last four digits and e-mail of the spouse are needed. A client the provider has already
    (same names and e-mail, same firm) is used again. Returns the client's enrollment first.

    DomainError: what `refuse_offer` answers, `email_required`, `joint_needs_spouse`, `joint_email_shared`,
    `already_joint`, `enrollment_exists`, a code of `enrollments.validators`, or a missing deadline
    (`unknown_chapter`, `de_not_required`, `de_deadline_required`, `meeting_or_deadline_required`).
    """
    if spouse is not None:
        _check_spouse(spouse)
    people = [person] if spouse is None else [person, spouse]
    return open_enrollments(provider, people, case, firm=firm, language=language)


def _check_spouse(spouse: Person) -> None:
    wanted = ("first_name", "last_name", "birth_date", "ssn_last4", "email")
    missing = column_labels(Client, [name for name in wanted if not getattr(spouse, name)])
    if missing:
        raise DomainError("joint_needs_spouse", missing=", ".join(missing))


@transaction.atomic
def open_enrollments(
    provider: Organization,
    people: Sequence[Person],
    case: Case,
    *,
    firm: Organization | None = None,
    language: str = "en",
    request: EnrollmentRequest | None = None,
) -> list[Enrollment]:
    """`create_enrollment` for one or two people of whom only names and e-mail are needed."""
    _check_people(people)
    refusal = refuse_offer(provider, case.court_id, case.kind)
    if refusal is not None:
        raise refusal
    deadline = case.deadline()
    clients = [_client_for(provider, firm, person, language) for person in people]
    for client in clients:
        _refuse_second(client, case.kind)
    household = None
    if len(clients) == 2:
        _link(*clients)
        household = Household.objects.create(provider=provider, firm=firm)
    made = []
    for client in clients:
        enrollment = Enrollment(
            provider=provider, firm=firm, client=client, household=household, request=request, kind=case.kind,
            district_id=case.court_id, language=language, delivery_method=case.delivery_method,
        )  # fmt: skip
        if case.kind == CourseKind.DE:
            enrollment.chapter = case.chapter
            enrollment.case_number = clean_case_number(case.case_number) if case.case_number else ""
            enrollment.first_set_341_date = enrollment.current_341_date = case.first_set_341_date
            enrollment.de_filing_deadline = deadline
        enrollment.save(force_insert=True)
        record(
            "enrollment.created",
            enrollment,
            payload={"kind": case.kind, "court": case.court_id, "household": household and household.pk,
                     "request": request and request.pk, "deadline": deadline},
        )  # fmt: skip
        made.append(enrollment)
    return made


def _check_people(people: Sequence[Person]) -> None:
    addresses = [person.email.strip().lower() for person in people]
    if not all(addresses):
        raise DomainError("email_required")
    if len(set(addresses)) < len(addresses):
        raise DomainError("joint_email_shared")


def _client_for(provider: Organization, firm: Organization | None, person: Person, language: str) -> Client:
    first_name, last_name = clean_name(person.first_name), clean_name(person.last_name)
    email = person.email.strip().lower()
    client = Client.objects.locked().filter(
        provider=provider, firm=firm, email__iexact=email,
        first_name__iexact=first_name, last_name__iexact=last_name,
    ).first()  # fmt: skip
    if client is not None:
        return client
    client = Client(
        provider=provider, firm=firm, first_name=first_name, last_name=last_name, email=email,
        phone=person.phone.strip(), language=language,
        birth_date=clean_birth_date(person.birth_date).isoformat() if person.birth_date else "",
        ssn_last4=clean_ssn_last4(person.ssn_last4) if person.ssn_last4 else "",
    )  # fmt: skip
    client.identity_hash = identity_of(client)
    client.save(force_insert=True)
    return client


def _refuse_second(client: Client, kind: str) -> None:
    if client.enrollments.filter(kind=kind).exclude(status__in=ENDED | FINISHED).exists():
        raise DomainError("enrollment_exists")


def _link(one: Client, other: Client) -> None:
    for client, spouse in ((one, other), (other, one)):
        if client.joint_filer_id not in (None, spouse.pk):
            raise DomainError("already_joint")
        if client.joint_filer_id is None:
            client.joint_filer = spouse
            client.save(update_fields=["joint_filer", "updated_at"])
