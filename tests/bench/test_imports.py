"""Bring a hundred thousand enrollments in, against the package's own way with the same rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from tests.database import ROOT, Databases
from tests.factories.names import World
from tests.torture.harness import environment

pytestmark = [pytest.mark.bench, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

ROWS, SAMPLE, ROUNDS = 100_000, 2_000, 3


def child(databases: Databases, world: World, side: str, count: int, folder: Any) -> dict[str, float]:
    """One side in a fresh process, on a fresh copy of the database."""
    told = [side, str(count), str(world.provider_admin_a.pk), str(world.provider_a.pk)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.import_child", *told],
        cwd=ROOT, env=environment(databases, world.worker, folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def test_importing_in_sets_against_the_packages_default_path(
    world: World, databases: Databases, tmp_path: Any, measured: Callable[..., None]
) -> None:
    """The package is measured on a sample and taken per row: its cost is linear, or grows, which would flatter it."""
    pairs = []
    for _ in range(ROUNDS):
        theirs = child(databases, world, "package", SAMPLE, tmp_path)
        mine = child(databases, world, "ours", ROWS, tmp_path)
        pairs.append((mine, theirs))
        _fresh(databases)
    measured_ratio("preview and import, each side", "seconds", pairs, measured)
    measured_ratio("our preview and import, its import alone", "alone", pairs, measured)
    peak = max(mine["mb"] for mine, _ in pairs)
    measured(
        "Imports", "100,000 enrollments, peak memory", f"{peak:.0f} MB", goal="≤ 250 MB", held=peak <= 250,
        basis="resident memory of a fresh process, file included",
    )  # fmt: skip


def measured_ratio(what: str, which: str, pairs: list[Any], measured: Callable[..., None]) -> None:
    """Rows a second of both sides and their ratio; `which` of the package's times counts."""
    ratio = statistics.median((b[which] / b["rows"]) / (a["seconds"] / a["rows"]) for a, b in pairs)
    speed = statistics.median(mine["rows"] / mine["seconds"] for mine, _ in pairs)
    slow = statistics.median(theirs["rows"] / theirs[which] for _, theirs in pairs)
    measured(
        "Imports", f"100,000 enrollments, history and evidence: {what}", ratio, goal="≥ 60×", held=ratio >= 60,
        basis=f"{speed:,.0f} rows/s against {slow:,.0f} of import-export's default path, measured on {SAMPLE:,} rows "
              "and taken per row (its cost is linear)",
    )  # fmt: skip


def _fresh(databases: Databases) -> None:
    for connection in connections.all(initialized_only=True):
        connection.close()
    databases.renew()
