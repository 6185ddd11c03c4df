"""The catalogue of trials is whole: `tests/trials.csv` names each id once, says whether it needs a control, and
whether it is built. What is not built yet is printed."""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.config.source import ROOT

CATALOGUE = ROOT / "tests" / "trials.csv"


class Entry(NamedTuple):
    id: str
    title: str
    control: str
    built: str


def entries() -> list[Entry]:
    with CATALOGUE.open(newline="", encoding="utf-8") as file:
        return [Entry(**row) for row in csv.DictReader(file)]


@cache
def marked(name: str) -> frozenset[str]:
    """Every id that some test carries as `pytest.mark.<name>`."""
    return frozenset(
        identity
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for identity in ids_in(ast.parse(path.read_text(encoding="utf-8")), name)
    )


def ids_in(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"pytest.mark.{name}":
            yield from (argument.value for argument in node.args if isinstance(argument, ast.Constant))


def test_the_catalogue_is_well_formed() -> None:
    ids = [entry.id for entry in entries()]
    assert len(ids) == len(set(ids))
    assert {entry.control for entry in entries()} <= {"yes", "no"}
    assert {entry.built for entry in entries()} <= {"yes", ""}


def test_every_mark_stands_in_the_catalogue() -> None:
    known = {entry.id for entry in entries()}
    assert (marked("torture") | marked("control")) - known == set()


def test_every_built_trial_is_marked() -> None:
    waiting = [f"{entry.id} {entry.title}" for entry in entries() if entry.id not in marked("torture")]
    print(f"{len(waiting)} trials are not built yet:", *waiting, sep="\n  ")  # noqa: T201 -- shown by -rP
    assert [entry.id for entry in entries() if entry.built and entry.id not in marked("torture")] == []


def test_every_trial_has_the_control_that_the_catalogue_asks_for() -> None:
    wanting = {entry.id for entry in entries() if entry.control == "yes"} & marked("torture")
    assert sorted(wanting - marked("control")) == []
