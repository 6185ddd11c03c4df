"""Numbers of the government's Certificate Generating System (CGS): `NNNNN-DIST-CC-NNNNNNNNN`.

The system assigns them; we record them. The validator is lenient about lengths, because the format is not published.
Numbers of the simulator carry the agency number 00000, which no agency has, and never count as official ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.rules import RuleError
from providers.districts import find

SIMULATED_AGENCY = "00000"

_NUMBER = re.compile(r"(?P<agency>[0-9]{4,6})-(?P<district>[A-Z]{2,4})-(?P<kind>CC|DE)-(?P<serial>[0-9]{6,10})")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))


@dataclass(frozen=True, slots=True)
class CgsNumber:
    """A certificate number in its parts; `str()` gives it back in the official spelling."""

    agency: str
    district: str
    kind: str
    serial: str

    def __str__(self) -> str:
        return f"{self.agency}-{self.district}-{self.kind}-{self.serial}"

    @property
    def is_simulated(self) -> bool:
        return not self.agency.strip("0")


def parse(text: str) -> CgsNumber:
    """Read a number as typed or pasted: any case, spaces, typographic dashes. RuleError `cgs_number_invalid`."""
    found = _NUMBER.fullmatch("".join(text.split()).translate(_DASHES).upper())
    if not found:
        raise RuleError("cgs_number_invalid", "A certificate number looks like 01234-CAC-CC-012345678.")
    return CgsNumber(**found.groupdict())


def check_official(text: str, *, kind: str, court_id: str) -> CgsNumber:
    """A number staff recorded for one certificate, checked against what the certificate is.

    RuleError codes: `cgs_number_invalid`, `cgs_number_simulated`, `cgs_number_wrong_kind`,
    `cgs_number_wrong_district`, `unknown_court`.
    """
    number = parse(text)
    if number.is_simulated:
        raise RuleError("cgs_number_simulated", "Numbers of the simulator are not issued by the government.")
    if number.kind != kind:
        raise RuleError("cgs_number_wrong_kind", f"This is a {number.kind} number, the certificate is {kind}.")
    if number.district != (expected := district_abbreviation(court_id)):
        raise RuleError("cgs_number_wrong_district", f"This number is of {number.district}, not of {expected}.")
    return number


def district_abbreviation(court_id: str) -> str:
    """The district's mark in certificate numbers (`cacb` -> `CAC`). RuleError `unknown_court`."""
    return find(court_id).cert_abbrev


class SimulatedNumbers:
    """Makes numbers that look right and are clearly nobody's. The caller supplies the serial, gapless and unique."""

    agency = SIMULATED_AGENCY
    largest_serial = 999_999_999

    def number(self, *, kind: str, court_id: str, serial: int) -> CgsNumber:
        """RuleError codes: `unknown_kind`, `unknown_court`. ValueError when the serial does not fit nine digits."""
        if kind not in ("CC", "DE"):
            raise RuleError("unknown_kind", f"Unknown kind of certificate {kind!r}.")
        if not 1 <= serial <= self.largest_serial:
            raise ValueError("A serial has one to nine digits.")
        return CgsNumber(self.agency, district_abbreviation(court_id), kind, f"{serial:09d}")
