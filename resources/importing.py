"""Run a file through a resource: every row judged, then all of it written or none."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

import resources.errors  # noqa: F401 -- declares the codes used here
from audit.services import record
from core.errors import DomainError
from core.history import because
from resources.base import ConsoleResource
from resources.formats import SafeCSV, SafeFormat, SafeXLSX

FORMATS: tuple[type[SafeFormat], ...] = (SafeCSV, SafeXLSX)
CREATE, UPDATE, SKIP, ERROR = "create", "update", "skip", "error"


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row was refused: its line in the file, the column where one is to blame, and the reason."""

    row: int
    column: str
    code: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        return {"row": self.row, "column": self.column, "code": self.code, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became, or would become, of one row."""

    row: int
    kind: str
    label: str = ""
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    errors: tuple[RowError, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file did (`applied`) or would do. Nothing was written when there is an error."""

    sha256: str
    applied: bool
    outcomes: tuple[RowOutcome, ...]
    headers: tuple[str, ...]

    def count(self, kind: str) -> int:
        return sum(outcome.kind == kind for outcome in self.outcomes)

    @property
    def errors(self) -> list[RowError]:
        return [error for outcome in self.outcomes for error in outcome.errors]

    @property
    def counts(self) -> dict[str, int]:
        return {"created": self.count(CREATE), "updated": self.count(UPDATE), "skipped": self.count(SKIP)}

    @property
    def snapshot(self) -> str:
        """A digest of the outcome: the same file against changed records has another."""
        facts = [(outcome.row, outcome.kind, outcome.changes) for outcome in self.outcomes]
        return hashlib.sha256(json.dumps([self.sha256, facts], cls=DjangoJSONEncoder).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The JSON report of the command line."""
        return {**self.counts, "errors": [error.as_dict() for error in self.errors]}


def format_for(name: str) -> SafeFormat:
    """The format of a file name: .xlsx is Excel, everything else is read as CSV."""
    return SafeXLSX() if name.lower().endswith(".xlsx") else SafeCSV()


def run_import(
    resource: ConsoleResource,
    content: bytes,
    *,
    name: str,
    dry_run: bool,
    import_id: uuid.UUID | None = None,
    row_limit: int = 5_000,
    expected_snapshot: str = "",
) -> ImportReport:
    """Judge every row of a file as the resource's person, and write all of them when none is refused.

    One transaction for the file and a savepoint for each row. Old versions name the import, and one audit event
    carries the file's digest and the counts. DomainError: `import_not_yours`, `import_organization_needed`,
    `import_column_unknown`, `import_column_missing`, `import_empty`, `import_too_many_rows`, `import_changed` when the
    outcome differs from `expected_snapshot`, or what `resources.reading` says about the file.
    """
    _check_organization(resource)
    table = format_for(name).create_dataset(content)
    _check_table(resource, table, row_limit)
    number = import_id or uuid.uuid4()
    with transaction.atomic(), because(f"import {number}"):
        outcomes = _run_rows(resource, table)
        digest = hashlib.sha256(content).hexdigest()
        clean = not any(outcome.errors for outcome in outcomes)
        report = ImportReport(digest, clean and not dry_run, tuple(outcomes), tuple(table.headers))
        if not report.applied:
            transaction.set_rollback(True)
            return report
        if expected_snapshot and expected_snapshot != report.snapshot:
            raise DomainError("import_changed")
        _leave_evidence(resource, report, number)
    return report


def _check_organization(resource: ConsoleResource) -> None:
    home = resource.organization
    if not resource.allowed(resource.actor, "import"):
        raise DomainError("import_not_yours")
    if home is None:
        raise DomainError("import_organization_needed")
    if not resource.organizations(resource.actor).filter(pk=home.pk).exists():
        raise DomainError("import_not_yours")


def _check_table(resource: ConsoleResource, table: Any, row_limit: int) -> None:
    unknown = [header for header in table.headers if header not in resource.writable]
    if unknown:
        raise DomainError("import_column_unknown", columns=", ".join(unknown)[:200])
    missing = [column for column in resource.required if column not in table.headers]
    if missing:
        raise DomainError("import_column_missing", columns=", ".join(missing))
    if not len(table):
        raise DomainError("import_empty")
    if len(table) > row_limit:
        raise DomainError("import_too_many_rows", limit=row_limit)


def _run_rows(resource: ConsoleResource, table: Any) -> list[RowOutcome]:
    seen: dict[tuple[Any, ...], int] = {}
    outcomes = []
    for line, row in enumerate(table.dict, start=2):
        values, errors = _read_row(resource, line, row)
        if not errors:
            errors = _repeated(resource, values, line, seen)
        outcomes.append(RowOutcome(line, ERROR, errors=tuple(errors)) if errors else _write_row(resource, line, values))
    return outcomes


def _read_row(resource: ConsoleResource, line: int, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
    values: dict[str, Any] = {}
    errors = []
    for column in resource.writable:
        try:
            values[column] = resource.fields[column].widget.clean(row.get(column), row=row, actor=resource.actor)
        except DomainError as refusal:
            errors.append(_reason(line, refusal, column))
            continue
        if column in resource.required and values[column] in (None, ""):
            errors.append(_reason(line, DomainError("import_value_missing"), column))
    return values, errors


def _repeated(
    resource: ConsoleResource, values: Mapping[str, Any], line: int, seen: dict[tuple[Any, ...], int]
) -> list[RowError]:
    mark = tuple(str(values.get(column) or "").casefold() for column in resource.key)
    if not any(mark):
        return []
    first = seen.setdefault(mark, line)
    return [] if first == line else [_reason(line, DomainError("import_row_repeated", line=first))]


def _write_row(resource: ConsoleResource, line: int, values: dict[str, Any]) -> RowOutcome:
    try:
        with transaction.atomic():
            found = resource.find(values)
            if found is None:
                return RowOutcome(line, CREATE, str(resource.create(values)))
            changes = resource.differences(found, values)
            if not changes:
                return RowOutcome(line, SKIP, str(found))
            resource.update(found, values)
            return RowOutcome(line, UPDATE, str(found), changes)
    except DomainError as refusal:
        return RowOutcome(line, ERROR, errors=(_reason(line, refusal),))
    except (IntegrityError, ValidationError):
        return RowOutcome(line, ERROR, errors=(_reason(line, DomainError("import_conflict")),))


def _reason(line: int, refusal: DomainError, column: str = "") -> RowError:
    return RowError(line, column, refusal.code, str(refusal))


def _leave_evidence(resource: ConsoleResource, report: ImportReport, import_id: uuid.UUID) -> None:
    facts = {"import": import_id, "sha256": report.sha256, "rows": len(report.outcomes), **report.counts}
    record(f"{resource.name}.imported", resource.evidence_target(), payload=facts)
