"""The database writes the same bytes as the writers here, for every cell anybody can store."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.cells import safe_text_cell
from resources.columns import Cell, Column
from resources.formats import SafeCSV
from resources.lines import csv_line
from tests.resources.hostile import hostile_cells
from tests.resources.test_cells import STORABLE, TRICKY

pytestmark = pytest.mark.django_db

ALMOST = st.text(st.sampled_from("=+-@＝\"'`a ,;|\t\r\n\x01\x1c\x85\u2028\u200b\ufffe\uffff\U000e0041␛⏎␉"), max_size=10)


def written(cells: list[str], *, columns: int = 2) -> list[bytes]:
    """The lines PostgreSQL makes of rows of these cells."""
    declared = [Column(f"c{number}", f"c{number}", Cell.TEXT) for number in range(columns)]
    names = ", ".join(f"%s::text[] AS a{number}" for number in range(columns))
    arrays = ", ".join(f"a{number}" for number in range(columns))
    aliases = ", ".join(f"c{number}" for number in range(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {csv_line(declared)} FROM (SELECT {names}) s,"
            f" unnest({arrays}) WITH ORDINALITY AS q({aliases}, place) ORDER BY place",
            [cells, *[list(reversed(cells))] * (columns - 1)],
        )
        return [line.encode() for (line,) in cursor.fetchall()]


def expected(cells: list[str]) -> list[bytes]:
    return [SafeCSV.line(pair).removesuffix(b"\r\n") for pair in zip(cells, reversed(cells), strict=True)]


def test_hostile_cells_leave_the_database_as_they_leave_the_writer() -> None:
    seed = random.SystemRandom().randrange(2**32)
    cells = [cell.replace("\x00", "") for cell in hostile_cells(10_000, seed)]
    assert [pair for pair in zip(written(cells), expected(cells), strict=True) if pair[0] != pair[1]][:3] == [], seed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.lists(TRICKY | STORABLE | ALMOST, min_size=1, max_size=40))
def test_any_text_leaves_the_database_as_it_leaves_the_writer(cells: list[str]) -> None:
    cells = [cell.replace("\x00", "") for cell in cells]
    assert written(cells) == expected(cells)


def test_each_invisible_sign_and_each_trigger_is_known_to_the_database() -> None:
    signs = [chr(code) for code in range(1, 0x2FFFF) if not 0xD800 <= code <= 0xDFFF][::7]
    cells = [f"{sign}=1" for sign in signs] + [f"a,{sign}1" for sign in signs]
    assert [cell for cell, line, fit in zip(cells, written(cells), expected(cells), strict=True) if line != fit] == []


def test_the_judge_sees_a_line_without_the_neutraliser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.lines.SUSPECT_ROW", "never-in-any-cell")
    cells = [cell.replace("\x00", "") for cell in hostile_cells(200, seed=3)]
    assert sum(safe_text_cell(cell) != cell for cell in cells) == len(cells)
    assert written(cells) != expected(cells)
