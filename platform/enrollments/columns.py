"""What people tell us, as the columns of a client and an enrollment: cleaned for one row or a hundred thousand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from core.errors import DomainError
from enrollments.identity import identity_from
from enrollments.validators import clean_birth_date, clean_case_number, clean_name, clean_ssn_last4
from enrollments.values import Case, Person
from providers.enums import CourseKind


def clean_address(person: Person) -> str:
    """The e-mail address as it is kept and compared. DomainError `email_required`."""
    address = person.email.strip().lower()
    if not address:
        raise DomainError("email_required")
    return address


def client_columns(person: Person, language: str) -> dict[str, str]:
    """The columns of a new client but provider and firm. DomainError of `enrollments.validators`, `email_required`."""
    columns = {
        "first_name": clean_name(person.first_name),
        "last_name": clean_name(person.last_name),
        "email": clean_address(person),
        "phone": person.phone.strip(),
        "language": language,
        "birth_date": clean_birth_date(person.birth_date).isoformat() if person.birth_date else "",
        "ssn_last4": clean_ssn_last4(person.ssn_last4) if person.ssn_last4 else "",
    }
    columns["identity_hash"] = identity_from(
        columns["first_name"], columns["last_name"], columns["ssn_last4"], columns["birth_date"]
    )
    return columns


def case_columns(case: Case, deadline: dt.date | None) -> dict[str, Any]:
    """The columns of an enrollment that its case says; only debtor education has more than course and court."""
    columns: dict[str, Any] = {
        "kind": case.kind, "district_id": case.court_id, "delivery_method": case.delivery_method,
    }  # fmt: skip
    if case.kind == CourseKind.DE:
        columns |= {
            "chapter": case.chapter,
            "case_number": clean_case_number(case.case_number) if case.case_number else "",
            "first_set_341_date": case.first_set_341_date,
            "current_341_date": case.first_set_341_date,
            "de_filing_deadline": deadline,
        }
    return columns
