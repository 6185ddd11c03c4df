"""The debtor-education deadline, the age of counseling, and alert levels."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from core.rules import RuleError
from enrollments.deadlines import Deadline, counseling_age, de_filing_deadline, deadline_level

VECTORS = [
    ("2025-07-08", "2025-09-06", "2025-09-08", ("Saturday", "Sunday")),
    ("2025-07-03", "2025-09-01", "2025-09-02", ("Labor Day",)),
    ("2025-09-12", "2025-11-11", "2025-11-12", ("Veterans Day",)),
    ("2025-11-21", "2026-01-20", "2026-01-20", ()),
    ("2025-12-18", "2026-02-16", "2026-02-17", ("Washington's Birthday",)),
    ("2026-02-03", "2026-04-04", "2026-04-06", ("Saturday", "Sunday")),
    ("2026-04-20", "2026-06-19", "2026-06-22", ("Juneteenth National Independence Day", "Saturday", "Sunday")),
    ("2026-05-04", "2026-07-03", "2026-07-06", ("Independence Day (observed)", "Saturday", "Sunday")),
    ("2026-05-05", "2026-07-04", "2026-07-06", ("Saturday", "Sunday")),
    ("2026-07-09", "2026-09-07", "2026-09-08", ("Labor Day",)),
]


def refused(*arguments, **named) -> str:
    with pytest.raises(RuleError) as refusal:
        de_filing_deadline(*arguments, **named)
    return refusal.value.code


@pytest.mark.parametrize(("meeting", "raw", "due", "because"), VECTORS)
def test_chapter_7_counts_sixty_days_and_rolls(meeting, raw, due, because):
    found = de_filing_deadline(7, date.fromisoformat(meeting), None, "nysb")

    assert found == Deadline(date.fromisoformat(due), "first_meeting_date", date.fromisoformat(raw), because)


def test_a_state_holiday_of_the_court_moves_the_deadline_further():
    louisiana = de_filing_deadline(7, date(2025, 12, 18), None, "laeb")

    assert louisiana.date == date(2026, 2, 18)
    assert louisiana.rolled_because == ("Washington's Birthday", "Mardi Gras")


def test_sixty_days_cross_a_leap_day():
    assert de_filing_deadline(7, date(2028, 1, 14), None, "nysb").raw_date == date(2028, 3, 14)
    assert de_filing_deadline(7, date(2027, 1, 14), None, "nysb").raw_date == date(2027, 3, 15)


def test_a_one_off_closing_moves_the_deadline():
    closed = {date(2025, 12, 26): "Executive order"}

    found = de_filing_deadline(7, date(2025, 10, 27), None, "nysb", closures=closed)

    assert found.date == date(2025, 12, 29)
    assert found.rolled_because == ("Executive order", "Saturday", "Sunday")


@pytest.mark.parametrize("chapter", [7, 11, 13])
def test_a_deadline_that_is_given_wins_and_stays_even_on_a_sunday(chapter):
    sunday = date(2026, 3, 8)

    found = de_filing_deadline(chapter, date(2026, 5, 4), sunday, "nysb")

    assert found == Deadline(sunday, "explicit", sunday, ())


@pytest.mark.parametrize("chapter", [11, 13])
def test_chapters_11_and_13_are_never_guessed(chapter):
    assert refused(chapter, date(2026, 5, 4), None, "nysb") == "de_deadline_required"


def test_chapter_7_needs_the_meeting_or_the_deadline():
    assert refused(7, None, None, "nysb") == "meeting_or_deadline_required"


def test_chapter_12_has_no_course():
    assert refused(12, date(2026, 5, 4), None, "nysb") == "de_not_required"


@pytest.mark.parametrize("chapter", [0, 9, 15, 70])
def test_an_unknown_chapter_has_its_own_code(chapter):
    assert refused(chapter, date(2026, 5, 4), None, "nysb") == "unknown_chapter"


@pytest.mark.parametrize("explicit", [None, date(2026, 5, 4)])
def test_an_unknown_court_has_its_own_code(explicit):
    assert refused(7, date(2026, 5, 4), explicit, "zzb") == "unknown_court"


def test_counting_needs_a_court_and_a_given_deadline_does_not():
    assert refused(7, date(2026, 5, 4), None, None) == "unknown_court"
    assert de_filing_deadline(13, None, date(2026, 5, 4), None).date == date(2026, 5, 4)


@pytest.mark.parametrize(
    ("counseled", "status", "days"),
    [
        (date(2026, 6, 30), "ok", 0),
        (date(2026, 1, 7), "ok", 174),
        (date(2026, 1, 6), "warn", 175),
        (date(2026, 1, 1), "warn", 180),
        (date(2025, 12, 31), "expired", 181),
        (date(2026, 7, 1), "not_before", -1),
    ],
)
def test_counseling_counts_180_days_back_from_the_petition(counseled, status, days):
    age = counseling_age(counseled, date(2026, 6, 30))

    assert (age.status, age.days) == (status, days)


def test_moments_decide_on_the_day_of_the_petition():
    petition = datetime(2026, 6, 30, 15, 0, tzinfo=UTC)
    minute = timedelta(minutes=1)

    assert counseling_age(petition - minute, petition).status == "ok"
    assert counseling_age(petition, petition).status == "not_before"
    assert counseling_age(petition + minute, petition).status == "not_before"


def test_a_mere_date_on_the_day_of_the_petition_is_not_held_against_the_client():
    assert counseling_age(date(2026, 6, 30), datetime(2026, 6, 30, 0, 5, tzinfo=UTC)).status == "ok"


def test_days_are_those_of_the_petitions_clock():
    pacific = timezone(timedelta(hours=-8))
    petition = datetime(2026, 6, 30, 9, 0, tzinfo=pacific)

    counseled = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)

    assert counseling_age(counseled, petition).days == 181
    assert counseling_age(counseled, petition.astimezone(UTC)).days == 180


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (31, None), (30, "30"), (15, "30"), (14, "14"), (8, "14"), (7, "7"), (4, "7"),
        (3, "3"), (2, "3"), (1, "1"), (0, "1"), (-1, "overdue"), (-400, "overdue"),
    ],
)  # fmt: skip
def test_a_deadline_reaches_its_levels_one_after_the_other(left, level):
    today = date(2026, 5, 1)

    assert deadline_level(today + timedelta(days=left), today) == level
