"""Rule questions from a CSV file, answered by the functions the product itself uses.

A room declares its questions in `<room>/scenarios.py`:

    @question("time_gate", columns={"kind": text, "verified_seconds": natural})
    def time_gate_answer(*, kind: str, verified_seconds: int) -> Answer: ...

A function gets its columns as typed keyword arguments. A RuleError it raises is an answer: the error code. A file that
cannot be understood (unknown question or column, a cell of the wrong type) is a ScenarioError that names the place,
and nothing of that file is answered.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.rules import RuleError

FIXED_COLUMNS = ("id", "question")

Parser = Callable[[str], Any]


class ScenarioError(Exception):
    """The file is malformed; the message says where and how."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says: one word, and the named values behind it."""

    answer: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """A declared question: its columns with their parsers, and the function that answers it."""

    name: str
    columns: Mapping[str, Parser]
    ask: Callable[..., Answer]


_QUESTIONS: dict[str, Question] = {}


def question(name: str, *, columns: Mapping[str, Parser]) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Declare a question. A name said twice, or a column that shadows `id` or `question`, is a programming error."""

    def declare(ask: Callable[..., Answer]) -> Callable[..., Answer]:
        if name in _QUESTIONS:
            raise ValueError(f"Question declared twice: {name}")
        if reserved := set(columns) & set(FIXED_COLUMNS):
            raise ValueError(f"Question {name} uses reserved columns: {sorted(reserved)}")
        _QUESTIONS[name] = Question(name, dict(columns), ask)
        return ask

    return declare


def declared_questions() -> Mapping[str, Question]:
    """Every question declared so far, by name."""
    return dict(_QUESTIONS)


def text(cell: str) -> str:
    """Any non-empty text."""
    if not cell:
        raise ValueError("must not be empty")
    return cell


def upper(cell: str) -> str:
    """Non-empty text in capitals, for codes such as CC or NY."""
    return text(cell).upper()


def integer(cell: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", cell):
        raise ValueError("must be a whole number")
    return int(cell)


def natural(cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", cell):
        raise ValueError("must be a whole number that is not negative")
    return int(cell)


def day(cell: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        raise ValueError("must be a date as YYYY-MM-DD")
    return date.fromisoformat(cell)


def moment(cell: str) -> datetime:
    """A date and time, with or without an offset."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}\S*", cell):
        raise ValueError("must be a time as YYYY-MM-DDTHH:MM:SS, best with an offset or Z")
    return datetime.fromisoformat(cell)


def day_or_moment(cell: str) -> date | datetime:
    return moment(cell) if len(cell) > len("YYYY-MM-DD") else day(cell)


def optional(parser: Parser) -> Parser:
    """A cell that may be empty (None)."""
    return lambda cell: parser(cell) if cell else None


def answer_file(path: Path) -> list[dict[str, Any]]:
    """Answer every row of a UTF-8 CSV file in its order, as `{id, answer, detail}`. Raises ScenarioError."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True))
    except FileNotFoundError:
        raise ScenarioError(f"No such file: {path}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise ScenarioError(f"{path} is empty.")
    header = [name.strip() for name in rows[0]]
    _check_header(header)
    numbered = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    return [_answer_row(number, _cells(number, header, row)) for number, row in numbered]


def _check_header(header: list[str]) -> None:
    known = {column for asked in _QUESTIONS.values() for column in asked.columns} | set(FIXED_COLUMNS)
    for name in header:
        if name not in known:
            raise ScenarioError(f"Unknown column {name!r}.")
        if header.count(name) > 1:
            raise ScenarioError(f"Column {name!r} stands twice.")
    for name in FIXED_COLUMNS:
        if name not in header:
            raise ScenarioError(f"Column {name!r} is missing.")


def _cells(number: int, header: list[str], row: list[str]) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(header) :]):
        raise ScenarioError(f"Row {number} has more cells than the header.")
    padded = row + [""] * (len(header) - len(row))
    return {name: cell.strip() for name, cell in zip(header, padded, strict=False)}


def _answer_row(number: int, cells: Mapping[str, str]) -> dict[str, Any]:
    asked = _QUESTIONS.get(cells["question"])
    if asked is None:
        known = ", ".join(sorted(_QUESTIONS))
        raise ScenarioError(f"Row {number}: unknown question {cells['question']!r}. Known: {known}.")
    for name, cell in cells.items():
        if cell and name not in asked.columns and name not in FIXED_COLUMNS:
            raise ScenarioError(f"Row {number}: unknown column {name!r} for question {asked.name!r}.")
    values = {name: _parsed(number, name, cells.get(name, ""), parser) for name, parser in asked.columns.items()}
    try:
        given = asked.ask(**values)
    except RuleError as refusal:
        given = Answer(refusal.code, {"code": refusal.code, "message": str(refusal)})
    except ScenarioError as error:
        raise ScenarioError(f"Row {number}: {error}") from error
    return {"id": cells["id"], "answer": given.answer, "detail": dict(given.detail)}


def _parsed(number: int, name: str, cell: str, parser: Parser) -> Any:
    try:
        return parser(cell)
    except ValueError as error:
        raise ScenarioError(f"Row {number}, column {name!r}: {cell!r} {_reason(error)}.") from None


def _reason(error: ValueError) -> str:
    reason = str(error)
    return reason if reason.startswith("must") else f"is not valid ({reason})"
