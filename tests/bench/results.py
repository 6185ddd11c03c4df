"""What was measured, as ratios within one run, and the page that shows it.

    def test_the_last_page_costs_what_the_first_does(measured):
        ratio = compare(lambda: page(1_000_000), lambda: page(10_000), rounds=7)
        measured("Lists", "last page, 1,000,000 rows against 10,000", ratio, goal="≤ 1.3×", held=ratio <= 1.3)

`write()` puts this run's rows into RESULTS.md; rows of benches that were not run stay with their own date.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).with_name("RESULTS.md")
_ROW = re.compile(r"^\| (?P<room>[^|]+) \| (?P<work>[^|]+) \| (?P<rest>.+) \|$")


@dataclass(frozen=True, slots=True)
class Row:
    room: str
    work: str
    figure: str
    goal: str
    held: bool
    basis: str

    def line(self, day: dt.date) -> str:
        verdict = "yes" if self.held else "**no**"
        return f"| {self.room} | {self.work} | {self.figure} | {self.goal} | {verdict} | {self.basis} | {day} |"


_rows: list[Row] = []


@pytest.fixture
def measured() -> Callable[..., None]:
    """Keep one figure. A number is shown as a ratio; `basis` says what both sides were, with units."""

    def keep(room: str, work: str, figure: float | str, *, goal: str, held: bool, basis: str = "") -> None:
        shown = f"{figure:.2f}×" if isinstance(figure, float) else str(figure)
        row = Row(room, work, shown, goal, held, basis)
        _rows.append(row)
        sys.stdout.write(row.line(dt.datetime.now(dt.UTC).date()) + "\n")

    return keep


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(ours: Callable[[], Any], baseline: Callable[[], Any], *, rounds: int = 7) -> tuple[float, float, float]:
    """Both sides in turn, after one unmeasured round: (ratio of the medians, our seconds, the baseline's seconds)."""
    ours(), baseline()
    pairs = [(seconds(ours), seconds(baseline)) for _ in range(rounds)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return mine / theirs, mine, theirs


def machine() -> str:
    """The machine in a line: processor, cores, memory, kernel, Python."""
    cpu = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), "unknown processor",
    )  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def write() -> None:
    """Bring RESULTS.md up to date with what this run measured; nothing measured leaves it alone."""
    if not _rows:
        return
    day = dt.datetime.now(dt.UTC).date()
    lines: dict[tuple[str, str], str] = {}
    if PAGE.exists():
        for text in PAGE.read_text(encoding="utf-8").splitlines():
            found = _ROW.match(text)
            if found and found["room"] not in ("Room", "---"):
                lines[found["room"], found["work"]] = text
    lines |= {(row.room, row.work): row.line(day) for row in _rows}
    head = [
        "# Measurements", "",
        "Written by `make bench`. Every figure is a ratio of two things measured in turn in the same run, medians of",
        "several rounds; `Basis` gives both sides. A shared machine makes single numbers worthless, ratios less so.",
        "",
        f"Machine of the last run: {machine()}.", "",
        "| Room | Work | Measured | Goal | Reached | Basis | Day |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    PAGE.write_text("\n".join([*head, *(lines[key] for key in sorted(lines))]) + "\n", encoding="utf-8")
