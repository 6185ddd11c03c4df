"""Open enrollments: clients, their household, and a place in a course for each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from audit.services import record
from core.errors import DomainError
from enrollments.columns import case_columns, clean_address, client_columns
from enrollments.enums import ENDED, FINISHED
from enrollments.models import Client, Enrollment, EnrollmentRequest, Household
from enrollments.offers import refuse_offer
from enrollments.values import Case, Person
from enrollments.wording import column_labels
from organizations.models import Organization


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
            provider=provider, firm=firm, client=client, household=household, request=request, language=language,
            **case_columns(case, deadline),
        )  # fmt: skip
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
    addresses = [clean_address(person) for person in people]
    if len(set(addresses)) < len(addresses):
        raise DomainError("joint_email_shared")


def _client_for(provider: Organization, firm: Organization | None, person: Person, language: str) -> Client:
    columns = client_columns(person, language)
    client = Client.objects.locked().filter(
        provider=provider, firm=firm, email__iexact=columns["email"],
        first_name__iexact=columns["first_name"], last_name__iexact=columns["last_name"],
    ).first()  # fmt: skip
    if client is not None:
        return client
    client = Client(provider=provider, firm=firm, **columns)
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
