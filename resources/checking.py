"""Judge every row of a file: cells into values, values into a verdict, a batch at a time."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

import resources.errors  # noqa: F401 -- declares the codes used here
from core.errors import DomainError
from resources.base import ConsoleResource
from resources.reading import Table
from resources.sets import Prepared, WrittenInSets
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE, RowError, Verdict
from resources.widgets import ScopedReference

BATCH = 2_000
MOST_MEANINGS = 5_000
Line = tuple[int, dict[str, Any]]
Cleaned = tuple[int, dict[str, Any], dict[str, Any], list[RowError]]


class Checker:
    """Judges one file as the resource's person. `columns` says which header is taken for which column ("" for none).

    What the rows name (a provider, a district) is asked once per distinct text; what stands twice in the file is
    found by digests of a few bytes a row, so that memory does not grow with the file's text.
    """

    def __init__(
        self, resource: ConsoleResource, columns: Mapping[str, str], *, seed: uuid.UUID, options: Mapping[str, Any]
    ) -> None:
        self.resource = resource
        self.columns = columns
        self._known: dict[str, dict[str, Any]] = {}
        self._marks: dict[bytes, int] = {}
        self._people: dict[bytes, bytes] = {}
        self._widgets = [(name, resource.fields[name].widget) for name in resource.writable]
        self._meanings: dict[str, dict[Any, Any]] = {
            name: {} for name, widget in self._widgets if getattr(widget, "repeats", False)
        }
        self._blank = {name: widget.clean("", actor=resource.actor) for name, widget in self._widgets}
        if isinstance(resource, WrittenInSets):
            resource.begin(seed, options)

    def verdicts(self, table: Table) -> Iterator[list[Verdict]]:
        """Verdicts in the file's order, in batches. DomainError for the file as a whole."""
        places = _places(self.resource, table.headers, self.columns)
        lines = ((line, {name: cells[place] for name, place in places}) for line, cells in table.rows)
        empty = True
        while batch := list(islice(lines, BATCH)):
            empty = False
            yield self._judged(batch)
        if empty:
            raise DomainError("import_empty")

    def _judged(self, batch: list[Line]) -> list[Verdict]:
        cleaned = self.cleaned(batch)
        if isinstance(self.resource, WrittenInSets):
            return self._compared(self.resource, cleaned)
        return [self._tried(*row) for row in cleaned]

    # --- cells ------------------------------------------------------------------------------------------------------
    def cleaned(self, batch: list[Line]) -> list[Cleaned]:
        """Each line with its cells, its values and what is wrong with them."""
        for name, widget in self._widgets:
            if isinstance(widget, ScopedReference):
                self._resolve(name, widget, batch)
        return [(line, cells, *self._values(line, cells)) for line, cells in batch]

    def _resolve(self, name: str, widget: ScopedReference, batch: list[Line]) -> None:
        known = self._known.setdefault(name, {})
        told = {str(cells.get(name) or "").strip().casefold() for _line, cells in batch} - known.keys() - {""}
        known |= dict.fromkeys(told) | widget.resolve(told, self.resource.actor)

    def _values(self, line: int, cells: Mapping[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
        values = dict(self._blank)
        errors = []
        for name, widget in self._widgets:
            cell = cells.get(name)
            if cell is not None and cell != "":
                try:
                    values[name] = self._meaning(name, widget, cell)
                except DomainError as refusal:
                    errors.append(RowError.of(line, refusal, name))
                    continue
            if name in self.resource.required and values[name] in (None, ""):
                errors.append(RowError.of(line, DomainError("import_value_missing"), name))
        return values, errors

    def _meaning(self, name: str, widget: Any, cell: Any) -> Any:
        """A cell's value; of columns that say the same few things again and again, worked out once."""
        known = self._meanings.get(name)
        if known is None:
            return widget.clean(cell, None, actor=self.resource.actor, known=self._known.get(name))
        told = (type(cell), cell)
        if told not in known:
            if len(known) >= MOST_MEANINGS:
                known.clear()
            known[told] = widget.clean(cell, None, actor=self.resource.actor, known=self._known.get(name))
        return known[told]

    # --- written in sets --------------------------------------------------------------------------------------------
    def _compared(self, resource: WrittenInSets, cleaned: list[Cleaned]) -> list[Verdict]:
        verdicts: list[Verdict] = []
        prepared: list[tuple[int, Prepared]] = []
        for line, cells, values, errors in cleaned:
            verdict = Verdict(line, ERROR if errors else CREATE, errors=tuple(errors), cells=cells)
            verdicts.append(verdict)
            if not errors:
                self._prepare(resource, verdict, values, prepared)
        by_line = {verdict.row: verdict for verdict in verdicts}
        for line, finding in resource.compare([(line, row) for line, row in prepared if by_line[line].facts]).items():
            verdict = by_line[line]
            if finding.refusal is not None:
                verdict.refuse(finding.refusal)
                continue
            verdict.kind, verdict.changes, verdict.seen = finding.kind, finding.changes, finding.seen
            verdict.known_id = finding.known_id
            verdict.record_id = finding.record_id or verdict.record_id
            if finding.known_id is not None:
                verdict.beside_id = None
        return verdicts

    def _prepare(
        self, resource: WrittenInSets, verdict: Verdict, values: Mapping[str, Any], prepared: list[tuple[int, Prepared]]
    ) -> None:
        try:
            row = resource.prepare(values)
            self._refuse_twins(resource, verdict.row, row)
        except DomainError as refusal:
            verdict.refuse(refusal)
            return
        verdict.facts, verdict.label = row.facts, row.label
        verdict.record_id, verdict.beside_id, verdict.cells = row.record_id, row.beside_id, None
        prepared.append((verdict.row, row))

    def _refuse_twins(self, resource: WrittenInSets, line: int, row: Prepared) -> None:
        first = self._marks.setdefault(_digest(row.mark), line)
        if first != line:
            raise DomainError("import_row_repeated", line=first)
        if row.identity:
            address = _digest(row.address)
            if self._people.setdefault(_digest(row.identity), address) != address:
                raise DomainError(resource.twin_refusal)

    # --- row by row -------------------------------------------------------------------------------------------------
    def _tried(self, line: int, cells: Mapping[str, Any], values: dict[str, Any], errors: list[RowError]) -> Verdict:
        """The verdict by doing it; the caller rolls back what was only a trial."""
        if not errors:
            mark = "\x00".join(str(values.get(column) or "").casefold() for column in self.resource.key)
            first = self._marks.setdefault(_digest(mark), line) if mark.strip("\x00") else line
            if first != line:
                errors = [RowError.of(line, DomainError("import_row_repeated", line=first))]
        if errors:
            return Verdict(line, ERROR, errors=tuple(errors), cells=cells)
        verdict = write_row(self.resource, line, values)
        verdict.cells = cells
        return verdict


def write_row(resource: ConsoleResource, line: int, values: dict[str, Any]) -> Verdict:
    """One row through its service, in a savepoint."""
    try:
        with transaction.atomic():
            found = resource.find(values)
            if found is None:
                made = resource.create(values)
                return Verdict(line, CREATE, str(made), record_id=made.pk)
            changes = resource.differences(found, values)
            if not changes:
                return Verdict(line, SKIP, str(found), record_id=found.pk)
            resource.update(found, values)
            return Verdict(line, UPDATE, str(found), changes, record_id=found.pk)
    except DomainError as refusal:
        return Verdict(line, ERROR, errors=(RowError.of(line, refusal),))
    except (IntegrityError, ValidationError):
        return Verdict(line, ERROR, errors=(RowError.of(line, DomainError("import_conflict")),))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _places(resource: ConsoleResource, headers: Iterable[str], columns: Mapping[str, str]) -> list[tuple[str, int]]:
    """Which cell holds which column. DomainError `import_column_unknown`, `import_column_missing`,
    `import_column_twice`."""
    found: dict[str, int] = {}
    unknown = []
    for place, header in enumerate(headers):
        column = columns.get(header)
        if column is None or (column and column not in resource.writable):
            unknown.append(header)
        elif column in found:
            raise DomainError("import_column_twice", column=column)
        elif column:
            found[column] = place
    if unknown:
        raise DomainError("import_column_unknown", columns=", ".join(unknown)[:200])
    missing = [column for column in resource.required if column not in found]
    if missing:
        raise DomainError("import_column_missing", columns=", ".join(missing))
    return list(found.items())
