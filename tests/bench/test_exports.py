"""A large export against what PostgreSQL can do with the same rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from core.context import Actor, acting
from organizations.actors import load_actor
from resources import copying
from resources.columns import resolved
from resources.enrollments import EnrollmentResource
from resources.exporting import write_export
from resources.formats import SafeCSV
from tests.bench.results import compare
from tests.bench.volume import pointed_at, world_of
from tests.database import as_system

ROWS = 200_000
FLAT_MB = 40


class Nowhere(io.RawIOBase):
    """A sink that keeps nothing."""

    def write(self, data: Any) -> int:
        return len(data)


@contextmanager
def at_volume(name: str) -> Iterator[Actor]:
    """The platform's administrator at work in a volume that stays as it is."""
    with pointed_at(name, become="app_worker"):
        person = world_of(name).platform_admin
        with as_system():
            actor = load_actor(person)
        with acting(actor):
            yield actor
            transaction.set_rollback(True)


def exported(actor: Actor) -> int:
    return write_export(Nowhere(), EnrollmentResource(actor), SafeCSV()).rows  # type: ignore[arg-type]  # -- it writes


def copied(actor: Actor) -> int:
    """PostgreSQL's own CSV of the same columns, as the same person, without a look at any cell."""
    wanted = EnrollmentResource(actor)
    rows = wanted.export_rows()
    columns = resolved(rows, [(name, wanted.column_path(name)) for name in wanted.exports])
    sink = Nowhere()
    return sum(sink.write(line) > 0 for line in copying.raw(rows, columns))


def fetched(actor: Actor) -> int:
    """The usual way: rows from the ORM, lines from the standard library, no care for formulas."""
    wanted = EnrollmentResource(actor)
    rows = wanted.export_rows().values_list(*(wanted.column_path(name) for name in wanted.exports))
    writer, count = csv.writer(io.StringIO()), 0
    for row in rows.iterator(2_000):
        writer.writerow(row)
        count += 1
    return count


def peak_above_start_mb(work: Callable[[], Any]) -> float:
    """How far resident memory rose above where it stood, by the kernel's own high-water mark."""

    def kilobytes(name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

    Path("/proc/self/clear_refs").write_text("5")
    before = kilobytes("VmRSS:")
    work()
    return (kilobytes("VmHWM:") - before) / 1024


@pytest.mark.bench
def test_an_export_costs_little_more_than_copy(volume: Callable[[int], str], measured: Callable[..., None]) -> None:
    with at_volume(volume(ROWS)) as actor:
        rows = exported(actor)
        rose = peak_above_start_mb(lambda: exported(actor))
        ratio, ours, theirs = compare(lambda: exported(actor), lambda: copied(actor), rounds=5)
        plain, _ours, usual = compare(lambda: exported(actor), lambda: fetched(actor), rounds=1)
    measured(
        "Exports", f"{ROWS:,} enrollments to CSV with safe cells, against COPY TO", ratio, goal="≤ 3×",
        held=ratio <= 3, basis=f"{rows:,} rows of 21 columns: {ours:.2f} s, {theirs:.2f} s, the same rows",
    )  # fmt: skip
    measured(
        "Exports", f"{ROWS:,} enrollments to CSV: memory above the start", f"{rose:.1f} MB", goal=f"≤ {FLAT_MB} MB",
        held=rose <= FLAT_MB, basis="high-water mark of resident memory",
    )  # fmt: skip
    measured(
        "Exports", f"{ROWS:,} enrollments to CSV, against the ORM and csv.writer", plain, goal="≤ 1×",
        held=plain <= 1, basis=f"{usual:.2f} s for the usual way, without safe cells",
    )  # fmt: skip
