"""The issue clock as a question for `manage.py scenario`."""

from __future__ import annotations

from datetime import date, datetime, time

from certificates.clocks import business_days_allowed, certificate_due, completion_day
from core.scenarios import Answer, day_or_moment, question, text, upper
from providers.districts import find


@question("certificate_due", columns={"kind": upper, "completed_at": day_or_moment, "court_id": text})
def certificate_due_answer(*, kind: str, completed_at: date | datetime, court_id: str) -> Answer:
    """The ISO date, with the completion's day on the court's clock. A time without offset is the court's own."""
    moment = _on_court_clock(completed_at, court_id)
    due = certificate_due(kind, moment, court_id)
    return Answer(
        due.isoformat(),
        {
            "business_days": business_days_allowed(kind),
            "completed_on": completion_day(moment, court_id).isoformat(),
            "time_zone": find(court_id).time_zone,
        },
    )


def _on_court_clock(given: date | datetime, court_id: str) -> datetime:
    moment = given if isinstance(given, datetime) else datetime.combine(given, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=find(court_id).zone)
