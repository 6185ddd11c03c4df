"""The deadline rules as questions for `manage.py scenario`."""

from __future__ import annotations

from datetime import date, datetime

from core.scenarios import Answer, ScenarioError, day, day_or_moment, integer, optional, question, text
from enrollments.deadlines import counseling_age, de_filing_deadline


@question(
    "de_deadline",
    columns={
        "chapter": integer,
        "first_set_341_date": optional(day),
        "explicit_deadline": optional(day),
        "court_id": optional(text),
    },
)
def de_deadline_answer(
    *, chapter: int, first_set_341_date: date | None, explicit_deadline: date | None, court_id: str | None
) -> Answer:
    """The ISO date of the deadline, with what it was counted from and why it moved."""
    due = de_filing_deadline(chapter, first_set_341_date, explicit_deadline, court_id)
    return Answer(
        due.date.isoformat(),
        {"basis": due.basis, "raw_date": due.raw_date.isoformat(), "rolled_because": list(due.rolled_because)},
    )


@question("counseling_age", columns={"counseled_at": day_or_moment, "filed_at": day_or_moment})
def counseling_age_answer(*, counseled_at: date | datetime, filed_at: date | datetime) -> Answer:
    """`ok`, `warn`, `expired` or `not_before`, with the calendar days between."""
    _check_clocks(counseled_at, filed_at)
    age = counseling_age(counseled_at, filed_at)
    return Answer(age.status, {"days": age.days})


def _check_clocks(*moments: date | datetime) -> None:
    offsets = {moment.tzinfo is None for moment in moments if isinstance(moment, datetime)}
    if len(offsets) > 1:
        raise ScenarioError("counseled_at and filed_at: give both an offset, or neither.")
