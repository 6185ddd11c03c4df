"""Court days against the calendar and Rule 9006(a)."""

from datetime import date, datetime

import pytest

from core.calendars import add_business_days, closed_because, is_business_day, legal_holidays, roll_forward, states
from core.rules import RuleError
from providers.districts import all_districts

FEDERAL_2026 = {
    "2026-01-01": "New Year's Day",
    "2026-01-19": "Martin Luther King Jr. Day",
    "2026-02-16": "Washington's Birthday",
    "2026-05-25": "Memorial Day",
    "2026-06-19": "Juneteenth National Independence Day",
    "2026-07-03": "Independence Day (observed)",
    "2026-07-04": "Independence Day",
    "2026-09-07": "Labor Day",
    "2026-10-12": "Columbus Day",
    "2026-11-11": "Veterans Day",
    "2026-11-26": "Thanksgiving Day",
    "2026-12-25": "Christmas Day",
}


def test_the_federal_holidays_of_a_year_are_the_eleven_of_the_rule_with_the_observed_day():
    found = {day.isoformat(): name for day, name in legal_holidays(2026).items()}

    assert found == FEDERAL_2026


def test_new_year_on_a_saturday_is_observed_in_the_year_before():
    assert closed_because(date(2027, 12, 31)) == "New Year's Day (observed)"


def test_a_holiday_on_a_sunday_is_observed_on_monday():
    assert closed_because(date(2027, 7, 5)) == "Independence Day (observed)"


def test_juneteenth_is_a_legal_holiday_from_2021_on():
    assert is_business_day(date(2020, 6, 19))
    assert not is_business_day(date(2023, 6, 19))


def test_a_state_holiday_closes_only_the_courts_of_that_state():
    mardi_gras = date(2026, 2, 17)

    assert is_business_day(mardi_gras)
    assert is_business_day(mardi_gras, state="NY")
    assert closed_because(mardi_gras, state="LA") == "Mardi Gras"


def test_a_state_that_ignores_a_federal_holiday_still_has_it():
    assert closed_because(date(2026, 10, 12), state="TX") == "Columbus Day"


@pytest.mark.parametrize("state", sorted({district.usps for district in all_districts().values()}))
def test_every_district_has_a_calendar_that_contains_the_federal_one(state):
    assert legal_holidays(2026).keys() <= legal_holidays(2026, state).keys()


def test_an_unknown_state_is_refused_by_code():
    with pytest.raises(RuleError) as refusal:
        is_business_day(date(2026, 3, 2), state="ZZ")

    assert refusal.value.code == "unknown_state"
    assert "ZZ" not in states()


def test_a_closure_is_data_and_may_carry_its_reason():
    day = date(2026, 12, 24)

    assert closed_because(day) == ""
    assert closed_because(day, closures={day}) == "court closed"
    assert closed_because(day, closures={day: "Executive order"}) == "Executive order"


def test_business_days_never_count_the_first_day():
    friday, saturday = date(2026, 3, 6), date(2026, 3, 7)

    assert add_business_days(friday, 1, state=None) == date(2026, 3, 9)
    assert add_business_days(saturday, 1, state=None) == date(2026, 3, 9)
    assert add_business_days(friday, 0, state=None) == friday


def test_business_days_step_over_a_long_weekend():
    assert add_business_days(date(2026, 7, 2), 3, state=None) == date(2026, 7, 8)


def test_business_days_are_counted_forward_only():
    with pytest.raises(ValueError, match="forward"):
        add_business_days(date(2026, 7, 2), -1, state=None)


def test_an_open_day_does_not_roll():
    assert roll_forward(date(2026, 1, 20), state="NY") == date(2026, 1, 20)


def test_a_closed_day_rolls_over_everything_closed_behind_it():
    friday = date(2026, 6, 19)

    assert roll_forward(friday, state="NY") == date(2026, 6, 22)
    assert roll_forward(friday, state="NY", closures={date(2026, 6, 22)}) == date(2026, 6, 23)


def test_a_moment_is_not_taken_for_a_day():
    with pytest.raises(TypeError):
        is_business_day(datetime(2026, 1, 1, 12))  # noqa: DTZ001 -- the point is that it is no date
