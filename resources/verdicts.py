"""What the check says about a row of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import DomainError, declared_errors
from imports.enums import Outcome

CREATE, UPDATE, SKIP, ERROR = (str(outcome) for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row was refused: its line in the file, the column where one is to blame, and the refusal's code and
    numbers; the sentence is made when it is read, in the reader's language."""

    row: int
    column: str
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, row: int, refusal: DomainError, column: str = "") -> RowError:
        return cls(row, column, refusal.code, refusal.params)

    @classmethod
    def kept(cls, row: int, told: Mapping[str, Any]) -> RowError:
        """From what a staged row keeps."""
        return cls(row, told["column"], told["code"], told["params"])

    @property
    def sentence(self) -> str:
        if self.code not in declared_errors():
            return self.code
        return str(DomainError(self.code, **self.params))

    def keep(self) -> dict[str, Any]:
        """For a staged row."""
        return {
            "column": self.column, "code": self.code,
            "params": {name: value if isinstance(value, int) else str(value) for name, value in self.params.items()},
        }  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "column": self.column, "code": self.code, "sentence": self.sentence}


@dataclass(slots=True)
class Verdict:
    """What one row does, or why it is refused, with what a staged row keeps of it."""

    row: int
    kind: str
    label: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    errors: tuple[RowError, ...] = ()
    facts: Mapping[str, Any] | None = None
    record_id: Any = None
    beside_id: Any = None
    known_id: Any = None
    seen: Any = None
    cells: Mapping[str, Any] | None = None

    def refuse(self, refusal: DomainError, column: str = "") -> None:
        """Turn it into a refusal: nothing of it is written."""
        self.kind, self.changes, self.facts = ERROR, {}, None
        self.record_id = self.beside_id = self.known_id = self.seen = None
        self.errors = (*self.errors, RowError.of(self.row, refusal, column))
