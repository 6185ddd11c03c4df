"""What people tell us when an enrollment begins."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from core.errors import DomainError
from core.rules import RuleError
from enrollments.deadlines import de_filing_deadline
from enrollments.enums import DeliveryMethod
from providers.enums import CourseKind


@dataclass(frozen=True, slots=True)
class Person:
    """A client as the one who enrolls them knows them. Birth date and last four digits may come later."""

    first_name: str
    last_name: str
    email: str
    phone: str = ""
    birth_date: dt.date | None = None
    ssn_last4: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """Which course, for which court, and for debtor education the facts its deadline follows from."""

    kind: str
    court_id: str
    chapter: str = ""
    case_number: str = ""
    first_set_341_date: dt.date | None = None
    de_filing_deadline: dt.date | None = None
    delivery_method: str = DeliveryMethod.INTERNET

    def deadline(self) -> dt.date | None:
        """When the debtor education certificate is due; None for credit counseling, which has no deadline.

        DomainError with the code of `enrollments.deadlines.de_filing_deadline`.
        """
        if self.kind == CourseKind.CC:
            return None
        try:
            return de_filing_deadline(
                int(self.chapter or 0), self.first_set_341_date, self.de_filing_deadline, self.court_id
            ).date
        except RuleError as refusal:
            raise DomainError(refusal.code) from refusal
