"""The reference data of the 94 districts."""

import pytest

from core.calendars import states
from providers.districts import UnknownDistrictError, all_districts, find


def test_there_are_ninety_four_districts_each_with_a_real_zone_and_state():
    districts = all_districts().values()

    assert len(districts) == 94
    assert {district.usps for district in districts} <= states()
    assert all(district.zone.key == district.time_zone for district in districts)
    assert len({district.cert_abbrev for district in districts}) == 94


def test_the_six_districts_of_alabama_and_north_carolina_have_an_administrator_and_no_region():
    administered = {d.court_id for d in all_districts().values() if d.oversight == "BA"}

    assert administered == {"almb", "alnb", "alsb", "nceb", "ncmb", "ncwb"}
    assert {d.court_id for d in all_districts().values() if d.ust_region is None} == administered


@pytest.mark.parametrize(
    ("court_id", "zone"),
    [
        ("flnb", "America/New_York"), ("innb", "America/Indiana/Indianapolis"), ("kyeb", "America/New_York"),
        ("kywb", "America/Kentucky/Louisville"), ("tneb", "America/New_York"), ("tnmb", "America/Chicago"),
        ("azb", "America/Phoenix"), ("idb", "America/Boise"), ("txwb", "America/Chicago"), ("gub", "Pacific/Guam"),
        ("nmib", "Pacific/Saipan"), ("vib", "America/St_Thomas"), ("prb", "America/Puerto_Rico"),
    ],
)  # fmt: skip
def test_a_split_or_far_district_keeps_the_clock_of_its_main_seat(court_id, zone):
    assert find(court_id).time_zone == zone


@pytest.mark.parametrize(
    ("court_id", "name"),
    [
        ("cacb", "Central District of California"), ("njb", "District of New Jersey"), ("dcb", "District of Columbia"),
        ("vib", "District of the Virgin Islands"), ("nceb", "Eastern District of North Carolina"),
    ],
)  # fmt: skip
def test_a_certificate_names_the_district_in_full(court_id, name):
    assert find(court_id).formal_name == name


def test_an_unknown_court_is_a_key_error_with_a_code():
    with pytest.raises(KeyError) as refusal:
        find("zzb")

    assert isinstance(refusal.value, UnknownDistrictError)
    assert refusal.value.code == "unknown_court"
    assert str(refusal.value) == "Unknown court 'zzb'."


def test_a_court_is_found_in_any_case():
    assert find(" CACB ").court_id == "cacb"
