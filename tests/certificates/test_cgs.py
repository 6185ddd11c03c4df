"""Certificate numbers: the government's and the simulator's."""

import pytest

from certificates.cgs import CgsNumber, SimulatedNumbers, check_official, district_abbreviation, parse
from core.rules import RuleError
from providers.districts import all_districts


def refused(act, *arguments, **named) -> str:
    with pytest.raises(RuleError) as refusal:
        act(*arguments, **named)
    return refusal.value.code


@pytest.mark.parametrize(
    "typed",
    ["01234-CAC-CC-012345678", " 01234-cac-cc-012345678 ", "01234 - CAC - CC - 012345678", "01234–CAC–CC–012345678"],
)
def test_a_number_is_read_as_people_type_it(typed):
    assert str(parse(typed)) == "01234-CAC-CC-012345678"


@pytest.mark.parametrize(
    "typed", ["1234-NJ-DE-123456", "123456-FLMX-CC-1234567890", "01234-NYE-DE-000000001", "00000-CAC-CC-000000001"]
)
def test_lengths_are_taken_leniently(typed):
    assert str(parse(typed)) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "", "01234", "123-CAC-CC-012345678", "1234567-CAC-CC-012345678", "01234-C-CC-012345678",
        "01234-CAC-XX-012345678", "01234-CAC-CC-12345", "01234-CAC-CC-12345678901", "01234-CAC-CC-01234567X",
        "01234-CAC-CC-012345678-1", "０1234-CAC-CC-012345678",
    ],
)  # fmt: skip
def test_anything_else_is_refused_by_code(typed):
    assert refused(parse, typed) == "cgs_number_invalid"


def test_a_recorded_number_has_to_fit_the_certificate():
    number = "01234-CAC-CC-012345678"

    assert str(check_official(number, kind="CC", court_id="cacb")) == number
    assert refused(check_official, number, kind="DE", court_id="cacb") == "cgs_number_wrong_kind"
    assert refused(check_official, number, kind="CC", court_id="nysb") == "cgs_number_wrong_district"
    assert refused(check_official, number, kind="CC", court_id="zzb") == "unknown_court"


def test_a_simulated_number_is_never_recorded_as_an_official_one():
    number = SimulatedNumbers().number(kind="CC", court_id="cacb", serial=417)

    assert number == CgsNumber("00000", "CAC", "CC", "000000417")
    assert number.is_simulated
    assert refused(check_official, str(number), kind="CC", court_id="cacb") == "cgs_number_simulated"
    assert not parse("01234-CAC-CC-000000417").is_simulated


def test_the_simulator_makes_valid_and_different_numbers_for_every_district():
    numbers = {
        str(SimulatedNumbers().number(kind=kind, court_id=court_id, serial=serial))
        for court_id in all_districts()
        for kind in ("CC", "DE")
        for serial in (1, 999_999_999)
    }

    assert len(numbers) == 94 * 2 * 2
    assert {str(parse(number)) for number in numbers} == numbers


@pytest.mark.parametrize("serial", [0, -1, 1_000_000_000])
def test_a_serial_has_one_to_nine_digits(serial):
    with pytest.raises(ValueError, match="serial"):
        SimulatedNumbers().number(kind="CC", court_id="cacb", serial=serial)


def test_the_simulator_knows_two_kinds():
    assert refused(SimulatedNumbers().number, kind="XX", court_id="cacb", serial=1) == "unknown_kind"


@pytest.mark.parametrize(("court_id", "mark"), [("cacb", "CAC"), ("nyeb", "NYE"), ("njb", "NJ"), ("nmib", "NMI")])
def test_a_district_has_its_mark(court_id, mark):
    assert district_abbreviation(court_id) == mark
