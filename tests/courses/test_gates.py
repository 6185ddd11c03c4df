"""The minimum time of the two courses."""

import pytest

from core.rules import RuleError
from courses.gates import TimeGate, time_gate


@pytest.mark.parametrize(
    ("kind", "seconds", "opened", "code", "required"),
    [
        ("CC", 0, False, "cc_minimum_time_required", 3600),
        ("CC", 3599, False, "cc_minimum_time_required", 3600),
        ("CC", 3600, True, None, 3600),
        ("DE", 3600, False, "de_minimum_time_required", 7200),
        ("DE", 7199, False, "de_minimum_time_required", 7200),
        ("DE", 7200, True, None, 7200),
        ("DE", 90_000, True, None, 7200),
    ],
)
def test_a_gate_opens_at_its_second(kind, seconds, opened, code, required):
    assert time_gate(kind, seconds) == TimeGate(opened, code, required, seconds)


def test_a_supervisor_may_open_the_counseling_gate():
    assert time_gate("CC", 10, cc_override=True) == TimeGate(True, None, 3600, 10)


def test_nobody_may_open_the_education_gate():
    assert time_gate("DE", 7199, cc_override=True).open is False


def test_an_override_does_not_invent_time():
    assert time_gate("CC", 600, cc_override=True).missing_seconds == 3000
    assert time_gate("CC", 4000).missing_seconds == 0


def test_an_unknown_kind_is_refused_by_code():
    with pytest.raises(RuleError) as refusal:
        time_gate("XX", 10)

    assert refusal.value.code == "unknown_kind"


def test_time_cannot_be_negative():
    with pytest.raises(ValueError, match="negative"):
        time_gate("CC", -1)
