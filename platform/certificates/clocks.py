"""By when a certificate has to be sent.

Credit counseling: no later than one business day after completion (28 CFR 58.22(a)). Debtor education: no later than
three (28 CFR 58.35(a)). The rule speaks of the agency's business days, not of a court's period: weekends and federal
legal holidays are left out and state holidays are counted, which can only make the date earlier, never late.
"""

from __future__ import annotations

from datetime import date, datetime

from core.calendars import add_business_days
from core.rules import RuleError
from providers.districts import find

BUSINESS_DAYS = {"CC": 1, "DE": 3}


def business_days_allowed(kind: str) -> int:
    """How many business days `kind` allows. RuleError `unknown_kind`."""
    if kind not in BUSINESS_DAYS:
        raise RuleError("unknown_kind", f"Unknown kind of certificate {kind!r}.")
    return BUSINESS_DAYS[kind]


def completion_day(completed_at: datetime, court_id: str) -> date:
    """The calendar day of an aware moment on the court's clock. RuleError `unknown_court`."""
    if completed_at.tzinfo is None:
        raise ValueError("A completion needs its time zone.")
    return completed_at.astimezone(find(court_id).zone).date()


def certificate_due(kind: str, completed_at: datetime, court_id: str) -> date:
    """The last day to send a certificate, counted from the completion's day on the court's clock.

    `completed_at` must be aware. RuleError codes: `unknown_kind`, `unknown_court`.
    """
    return add_business_days(completion_day(completed_at, court_id), business_days_allowed(kind), state=None)
