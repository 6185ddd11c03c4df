"""By when a certificate has to be sent."""

from datetime import UTC, date, datetime

import pytest

from certificates.clocks import certificate_due
from core.rules import RuleError


@pytest.mark.parametrize(
    ("completed", "cc", "de"),
    [
        ("2026-03-03T18:00", "2026-03-04", "2026-03-06"),  # Tuesday
        ("2026-03-06T18:00", "2026-03-09", "2026-03-11"),  # Friday
        ("2026-03-07T18:00", "2026-03-09", "2026-03-11"),  # Saturday
        ("2026-07-02T18:00", "2026-07-06", "2026-07-08"),  # Thursday before the observed Fourth
        ("2025-12-24T18:00", "2025-12-26", "2025-12-30"),  # the day before Christmas
    ],
)
def test_counseling_has_one_business_day_and_education_three(completed, cc, de):
    moment = datetime.fromisoformat(completed).replace(tzinfo=UTC)

    assert certificate_due("CC", moment, "nysb") == date.fromisoformat(cc)
    assert certificate_due("DE", moment, "nysb") == date.fromisoformat(de)


def test_the_day_of_completion_is_the_courts_own():
    moment = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)

    assert certificate_due("CC", moment, "nysb") == date(2026, 3, 5)
    assert certificate_due("CC", moment, "cacb") == date(2026, 3, 4)
    assert certificate_due("CC", moment, "gub") == date(2026, 3, 5)


def test_the_day_stays_right_over_the_change_to_summer_time():
    just_before_midnight = datetime(2026, 3, 9, 3, 59, tzinfo=UTC)

    assert certificate_due("CC", just_before_midnight, "nysb") == date(2026, 3, 9)


def test_a_state_holiday_does_not_give_more_time():
    mardi_gras_eve = datetime(2026, 2, 16, 18, tzinfo=UTC)

    assert certificate_due("CC", mardi_gras_eve, "laeb") == date(2026, 2, 17)


@pytest.mark.parametrize(("kind", "court", "code"), [("XX", "nysb", "unknown_kind"), ("CC", "zzb", "unknown_court")])
def test_what_is_unknown_is_refused_by_code(kind, court, code):
    with pytest.raises(RuleError) as refusal:
        certificate_due(kind, datetime(2026, 3, 4, tzinfo=UTC), court)

    assert refusal.value.code == code


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        certificate_due("CC", datetime(2026, 3, 4), "nysb")  # noqa: DTZ001 -- the missing zone is the point
