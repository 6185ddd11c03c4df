"""The clocks of a bankruptcy case that an enrollment has to meet. Pure: dates in, dates out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from core.calendars import Closures, closed_because, roll_forward
from core.rules import RuleError
from providers.districts import UnknownDistrictError, find

DE_DAYS_AFTER_MEETING = 60
COUNSELING_VALID_DAYS = 180
COUNSELING_WARN_DAYS = 175
ALERT_LEVELS = (1, 3, 7, 14, 30)

Day = date
Basis = Literal["explicit", "first_meeting_date"]
AgeStatus = Literal["ok", "warn", "expired", "not_before"]
AlertLevel = Literal["30", "14", "7", "3", "1", "overdue"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the debtor-education certificate is due.

    `raw_date` is the date before rolling; `rolled_because` names, day by day, why the court was closed on it and on
    the days after it, and is empty when nothing was moved.
    """

    date: Day
    basis: Basis
    raw_date: Day
    rolled_because: tuple[str, ...] = ()


def de_filing_deadline(
    chapter: int,
    first_set_341_date: date | None,
    explicit_deadline: date | None,
    court_id: str | None,
    *,
    closures: Closures = (),
) -> Deadline:
    """The last day to file the debtor-education certificate (Bankruptcy Rule 1007(b)(7), (c)).

    A deadline that is given wins and is never moved. Without one, chapter 7 counts 60 days from the first date set for
    the meeting of creditors, whatever became of that meeting, and rolls by Rule 9006(a) with the holidays of the
    court's state. Chapters 11 and 13 depend on the plan, so the deadline has to be given. A court that is named must
    exist; it may stay unnamed only where nothing is counted.

    RuleError codes: `unknown_chapter`, `de_not_required` (chapter 12), `unknown_court`, `de_deadline_required`,
    `meeting_or_deadline_required`.
    """
    _check_chapter(chapter)
    district = find(court_id) if court_id else None
    if explicit_deadline is not None:
        return Deadline(explicit_deadline, "explicit", explicit_deadline)
    if chapter != 7:
        raise RuleError("de_deadline_required", f"Chapter {chapter} needs the deadline itself.")
    if first_set_341_date is None:
        raise RuleError("meeting_or_deadline_required", "Chapter 7 needs the first meeting date or the deadline.")
    if district is None:
        raise UnknownDistrictError("")
    return _counted_from(first_set_341_date, state=district.usps, closures=closures)


def _counted_from(meeting: date, *, state: str, closures: Closures) -> Deadline:
    raw = meeting + timedelta(days=DE_DAYS_AFTER_MEETING)
    due = roll_forward(raw, state=state, closures=closures)
    passed = (raw + timedelta(days=n) for n in range((due - raw).days))
    reasons = tuple(closed_because(day, state=state, closures=closures) for day in passed)
    return Deadline(due, "first_meeting_date", raw, reasons)


def _check_chapter(chapter: int) -> None:
    if chapter == 12:
        raise RuleError("de_not_required", "No course is a condition of a chapter 12 discharge.")
    if chapter not in (7, 11, 13):
        raise RuleError("unknown_chapter", f"Unknown chapter {chapter!r}.")


@dataclass(frozen=True, slots=True)
class CounselingAge:
    """Whether counseling is in time for a petition, and how many calendar days lie between them."""

    status: AgeStatus
    days: int


def counseling_age(counseled_at: date | datetime, filed_at: date | datetime) -> CounselingAge:
    """Judge counseling against the petition (11 U.S.C. 109(h)(1)).

    Days are calendar days; two aware moments are compared on the petition's clock, so pass the petition in the
    court's time zone. `ok`, `warn` from day 175, `expired` after day 180. `not_before`: the petition came first.
    On one and the same day two moments decide, and the counseling has to precede the petition; where either is only
    a date that day is `ok`, since nothing says otherwise.
    """
    if isinstance(counseled_at, datetime) and isinstance(filed_at, datetime):
        if counseled_at.tzinfo and filed_at.tzinfo:
            counseled_at = counseled_at.astimezone(filed_at.tzinfo)
        if counseled_at >= filed_at:
            return CounselingAge("not_before", _days_between(counseled_at, filed_at))
    days = _days_between(counseled_at, filed_at)
    if days < 0:
        return CounselingAge("not_before", days)
    if days > COUNSELING_VALID_DAYS:
        return CounselingAge("expired", days)
    return CounselingAge("warn" if days >= COUNSELING_WARN_DAYS else "ok", days)


def _days_between(earlier: date, later: date) -> int:
    return later.toordinal() - earlier.toordinal()


def deadline_level(due: date, today: date) -> AlertLevel | None:
    """The alert a deadline has reached: the tightest of 30, 14, 7, 3 and 1 days, `overdue` after it, None before."""
    left = (due - today).days
    if left < 0:
        return "overdue"
    reached = next((level for level in ALERT_LEVELS if left <= level), None)
    return None if reached is None else _LEVEL_NAMES[reached]


_LEVEL_NAMES: dict[int, AlertLevel] = {1: "1", 3: "3", 7: "7", 14: "14", 30: "30"}
