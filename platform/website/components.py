"""The data the components under `templates/website/components/` are drawn from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

StepState = Literal["done", "current", "upcoming", "blocked"]
Tone = Literal["neutral", "info", "success", "warn", "error"]


@dataclass(frozen=True)
class Crumb:
    """One step of the path to a page; the last one is the page itself and has no address."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class Step:
    """One station of a journey.

    `todo` says what the reader must do, `by` until when (already formatted), `url` and `action` are the one button.
    A `blocked` step waits for someone or something; its `todo` says for what.
    """

    title: str
    state: StepState
    todo: str = ""
    by: str = ""
    url: str = ""
    action: str = ""
    done_on: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the reader stands at this station, able to go on or waiting."""
        return self.state in ("current", "blocked")


@dataclass(frozen=True)
class Entry:
    """One event of a timeline."""

    at: datetime
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Fact:
    """A label and its value in a key-value list."""

    label: str
    value: object


@dataclass(frozen=True)
class Column:
    """A table column; numbers stand flush right with even digits."""

    label: str
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A data table. The first cell of a row names the row. A cell may be safe HTML."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]

    def body(self) -> Iterator[list[tuple[Column, object]]]:
        """Each row as (column, cell) pairs, so that a narrow screen can repeat the column's label."""
        for row in self.rows:
            yield list(zip(self.columns, row, strict=True))
