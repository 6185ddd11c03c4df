"""The fee waiver's presumption against the published guidelines."""

from datetime import date

import pytest

from core.rules import RuleError
from payments.poverty import fee_waiver_presumption, region_of

# 150 % of the guideline in dollars a year: size, contiguous 2026, Alaska 2026, Hawaii 2026, contiguous 2025.
LINES = [
    (1, 23940, 29925, 27540, 23475),
    (2, 32460, 40575, 37335, 31725),
    (3, 40980, 51225, 47130, 39975),
    (4, 49500, 61875, 56925, 48225),
    (5, 58020, 72525, 66720, 56475),
    (6, 66540, 83175, 76515, 64725),
    (7, 75060, 93825, 86310, 72975),
    (8, 83580, 104475, 96105, 81225),
]
IN_2026, IN_2025 = date(2026, 6, 1), date(2025, 6, 1)


def refused(*arguments) -> str:
    with pytest.raises(RuleError) as refusal:
        fee_waiver_presumption(*arguments)
    return refusal.value.code


@pytest.mark.parametrize(("size", "contiguous", "alaska", "hawaii", "last_year"), LINES)
def test_the_line_is_one_and_a_half_times_the_guideline(size, contiguous, alaska, hawaii, last_year):
    def line(state, day):
        return fee_waiver_presumption(size, 0, state, day).threshold_cents

    assert line("OH", IN_2026) == contiguous * 100
    assert line("AK", IN_2026) == alaska * 100
    assert line("HI", IN_2026) == hawaii * 100
    assert line("OH", IN_2025) == last_year * 100


def test_the_line_goes_on_for_households_of_any_size():
    assert fee_waiver_presumption(20, 0, "OH", IN_2026).threshold_cents == (15960 + 19 * 5680) * 150


@pytest.mark.parametrize(("income", "presumed"), [(2_393_999, True), (2_394_000, False), (2_394_001, False), (0, True)])
def test_income_must_be_strictly_below_the_line(income, presumed):
    assert fee_waiver_presumption(1, income, "NY", IN_2026).presumed is presumed


@pytest.mark.parametrize(
    ("day", "year"), [("2025-01-15", 2025), ("2026-01-12", 2025), ("2026-01-13", 2026), ("2026-12-31", 2026)]
)
def test_the_guideline_in_force_on_the_day_decides(day, year):
    assert fee_waiver_presumption(1, 0, "NY", date.fromisoformat(day)).year == year


def test_before_the_first_guideline_on_file_there_is_no_answer():
    assert refused(1, 0, "NY", date(2025, 1, 14)) == "no_guideline_for_date"


@pytest.mark.parametrize("territory", ["PR", "VI", "GU", "MP", "DC"])
def test_the_territories_and_the_district_use_the_contiguous_table(territory):
    assert region_of(territory) == "CONTIG_DC"


def test_what_cannot_be_is_refused_by_code():
    assert refused(0, 0, "NY", IN_2026) == "household_size_invalid"
    assert refused(1, -1, "NY", IN_2026) == "income_invalid"
    assert refused(1, 0, "ZZ", IN_2026) == "unknown_state"
