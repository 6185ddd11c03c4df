"""What a resource says whose rows are compared and written thousands at a time.

    class EnrollmentResource(WrittenInSets, ConsoleResource): ...

The engine asks `prepare` for each row, `compare` for each batch, `compare_again` and `write` for each chunk. Other
resources go row by row through their services, at most `row_limit` rows a file.
"""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import DomainError
from imports.models import ImportRun


@dataclass(slots=True)
class Prepared:
    """One row, cleaned: what is staged of it. `mark` is equal for rows about the same record; rows with the same
    `identity` (a digest) must have the same `address`."""

    facts: Mapping[str, Any]
    record_id: str
    beside_id: str | None
    mark: str
    label: str
    identity: str = ""
    address: str = ""


@dataclass(slots=True)
class Finding:
    """What is on record about a row: nothing to write, a change, another record to use, or a refusal."""

    kind: str
    record_id: Any = None
    known_id: Any = None
    seen: Any = None
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    refusal: DomainError | None = None

    @property
    def essence(self) -> tuple[Any, ...]:
        """What must still be so when the row is written."""
        return (self.kind, str(self.record_id or ""), str(self.known_id or ""), self.seen)


class WrittenInSets:
    """See the module."""

    twin_refusal = "import_conflict"

    @abstractmethod
    def begin(self, seed: uuid.UUID, options: Mapping[str, Any]) -> None:
        """A file begins; ids of new records follow from `seed`."""

    @abstractmethod
    def prepare(self, values: Mapping[str, Any]) -> Prepared:
        """Clean one row with the validators of its service; DomainError as the service would raise."""

    @abstractmethod
    def compare(self, rows: Sequence[tuple[int, Prepared]]) -> dict[int, Finding]:
        """What is on record, by line; lines without a finding are new."""

    @abstractmethod
    def compare_again(self, run: ImportRun, lines: Sequence[int]) -> dict[int, Finding]:
        """The same for staged rows, just before they are written."""

    @abstractmethod
    def write(self, run: ImportRun, new: Sequence[int], changed: Sequence[int]) -> None:
        """Write staged rows with history and evidence, in the caller's transaction."""

    @abstractmethod
    def take_back(self, run: ImportRun) -> None:
        """Undo what the run wrote, all of it. DomainError `import_undo_touched` naming rows that were used since."""
