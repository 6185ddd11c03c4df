"""When a client is presumed unable to pay: income under 150 % of the federal poverty guideline.

28 CFR 58.21(b) and 58.34(b): household current income, strictly less than 150 % of the guideline for the household's
size. The presumption concerns the fee only; a provider decides, and may always waive more. Guidelines are those of
the Department of Health and Human Services in dollars a year (`poverty_guidelines.csv`); everything here is counted
in integer cents. A guideline stays in force until the next one takes effect.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from core.calendars import states
from core.rules import RuleError

_SOURCE = Path(__file__).with_name("poverty_guidelines.csv")
_PRESUMED_BELOW_PERCENT = 150
_CENTS_PER_DOLLAR = 100

Region = Literal["CONTIG_DC", "AK", "HI"]


@dataclass(frozen=True, slots=True)
class Guideline:
    """One table of one year, in dollars: the first person and every further one."""

    year: int
    region: str
    base: int
    per_additional: int
    effective_from: date

    def annual_dollars(self, household_size: int) -> int:
        return self.base + self.per_additional * (household_size - 1)


@dataclass(frozen=True, slots=True)
class Presumption:
    """The answer with its ground: the line in cents a year, and the guideline's year and region."""

    presumed: bool
    threshold_cents: int
    year: int
    region: Region


@cache
def guidelines() -> tuple[Guideline, ...]:
    """All tables, oldest first."""
    with _SOURCE.open(encoding="utf-8", newline="") as source:
        tables = [
            Guideline(
                year=int(row["year"]),
                region=row["region"],
                base=int(row["base_1_person"]),
                per_additional=int(row["per_additional"]),
                effective_from=date.fromisoformat(row["effective_from"]),
            )
            for row in csv.DictReader(source)
        ]
    return tuple(sorted(tables, key=lambda table: table.effective_from))


def fee_waiver_presumption(household_size: int, annual_income_cents: int, state: str, on_date: date) -> Presumption:
    """Whether a household is presumed unable to pay on `on_date`.

    `state` is a USPS code. Alaska and Hawaii have their own tables; the territories have none and use the contiguous
    one. RuleError codes: `household_size_invalid`, `income_invalid`, `unknown_state`, `no_guideline_for_date`.
    """
    if household_size < 1:
        raise RuleError("household_size_invalid", "A household has at least one person.")
    if annual_income_cents < 0:
        raise RuleError("income_invalid", "Income is zero or more.")
    region = region_of(state)
    table = _in_force(region, on_date)
    threshold = table.annual_dollars(household_size) * _CENTS_PER_DOLLAR * _PRESUMED_BELOW_PERCENT // 100
    return Presumption(annual_income_cents < threshold, threshold, table.year, region)


def region_of(state: str) -> Region:
    """Which table a state uses. Raises RuleError `unknown_state`."""
    match state:
        case "AK":
            return "AK"
        case "HI":
            return "HI"
        case _ if state in states():
            return "CONTIG_DC"
    raise RuleError("unknown_state", f"Unknown state {state!r}.")


def _in_force(region: Region, on_date: date) -> Guideline:
    begun = [table for table in guidelines() if table.region == region and table.effective_from <= on_date]
    if not begun:
        raise RuleError("no_guideline_for_date", f"No poverty guideline is on file for {on_date.isoformat()}.")
    return begun[-1]
