"""The 94 federal judicial districts and their bankruptcy courts, as reference data.

`districts.csv` is the source; the database copy is made from it. The time zone is that of the court's main seat:
a district that lies in two zones (Northern Florida, Northern Indiana, Western Texas, the two Dakotas, ...) keeps one
clock, because the district, not the division, is what a certificate names.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast
from zoneinfo import ZoneInfo

from core.rules import RuleError

_SIDES = {
    "D.": "",
    "C.D.": "Central ",
    "E.D.": "Eastern ",
    "M.D.": "Middle ",
    "N.D.": "Northern ",
    "S.D.": "Southern ",
    "W.D.": "Western ",
}
_SOURCE = Path(__file__).with_name("districts.csv")


class UnknownDistrictError(RuleError, KeyError):
    """No court has this id. Code `unknown_court`."""

    def __init__(self, court_id: str) -> None:
        super().__init__("unknown_court", f"Unknown court {court_id!r}.")

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class District:
    """One judicial district.

    `court_id` is the court's CM/ECF id (`cacb`), `cert_abbrev` the district's mark in certificate numbers (`CAC`),
    `usps` the state or territory, `oversight` who approves providers there: the United States Trustee (`UST`, in
    `ust_region`) or a Bankruptcy Administrator (`BA`, no region).
    """

    court_id: str
    cert_abbrev: str
    usps: str
    name: str
    circuit: str
    oversight: Literal["UST", "BA"]
    ust_region: int | None
    time_zone: str

    @property
    def formal_name(self) -> str:
        """`Central District of California` for `C.D. California`, as a certificate names it."""
        mark, _space, place = self.name.partition(" ")
        side = _SIDES.get(mark)
        article = "the " if place.endswith("Islands") else ""
        return self.name if side is None else f"{side}District of {article}{place}"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


@cache
def all_districts() -> Mapping[str, District]:
    """Every district by court id, in the order of the file."""
    with _SOURCE.open(encoding="utf-8", newline="") as source:
        return MappingProxyType({row["court_id"]: _district(row) for row in csv.DictReader(source)})


def _district(row: Mapping[str, str]) -> District:
    return District(
        court_id=row["court_id"],
        cert_abbrev=row["cert_abbrev"],
        usps=row["usps"],
        name=row["district"],
        circuit=row["circuit"],
        oversight=cast(Literal["UST", "BA"], row["oversight"]),
        ust_region=int(row["ust_region"]) if row["ust_region"] else None,
        time_zone=row["time_zone"],
    )


def find(court_id: str) -> District:
    """The district of a court id, in any case. Raises UnknownDistrictError."""
    try:
        return all_districts()[court_id.strip().lower()]
    except KeyError:
        raise UnknownDistrictError(court_id) from None
