"""The way of a file into the product: opened, checked, confirmed, written, taken back.

    run = open_import(resource, content, name=..., columns=...)
    check(resource, run, content)            # every row judged and staged; nothing else is written
    confirm(resource, run, snapshot=...)     # small files: written here, all or nothing; large ones: chunk by chunk
    while write_chunk(resource, run): ...    # each chunk commits its rows and the cursor together
    undo(resource, run)

Every step acts as the resource's person and asks the permission again. `deploy/decisions` says why large files are
not one transaction.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from core import clock
from core.context import Actor
from core.errors import DomainError
from core.transitions import transition
from imports.enums import Outcome, RunState
from imports.models import ImportRun, StagedRow
from imports.services.rows import sealed_line, stage_rows
from imports.services.runs import only_uploader, refuse_unless
from jobs.services import enqueue
from resources.base import ConsoleResource
from resources.catalogue import RESOURCES
from resources.checking import Checker
from resources.formats import SafeCSV, SafeFormat, SafeXLSX
from resources.headers import guess_columns
from resources.reading import Table, open_csv, open_xlsx
from resources.rights import check_permission
from resources.sets import WrittenInSets
from resources.staging import LIFETIME
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE, RowError, Verdict
from resources.writing import ask_for_chunk, is_small, write_chunk

FORMATS: tuple[type[SafeFormat], ...] = (SafeCSV, SafeXLSX)
CHECK = "imports.check"
SMALL_WORKBOOK = 200_000


def resource_of(run: ImportRun, actor: Actor) -> ConsoleResource:
    """The resource of a run, for the person who acts."""
    return RESOURCES[run.resource](actor, run.organization)


def open_table(content: bytes, name: str) -> Table:
    """The file's table: .xlsx is Excel, everything else is read as CSV."""
    return open_xlsx(content) if name.lower().endswith(".xlsx") else open_csv(content)


# --- check ------------------------------------------------------------------------------------------------------------
def check(resource: ConsoleResource, run: ImportRun, content: bytes, *, row_limit: int | None = None) -> ImportRun:
    """Judge every row and stage it; the run is `checked`. DomainError for the file as a whole: nothing is staged then.

    `import_not_yours`, `import_organization_needed`, `import_column_unknown`, `import_column_missing`,
    `import_column_twice`, `import_empty`, `import_too_many_rows`, or what `resources.reading` says about the file.
    """
    check_permission(resource)
    refuse_unless(run, RunState.UPLOADED, RunState.CHECKING)
    checker = Checker(resource, run.columns, seed=run.pk, options=run.options)
    limit = resource.row_limit if row_limit is None else row_limit
    counts = dict.fromkeys(Outcome.values, 0)
    digest = hashlib.sha256(run.sha256.encode())
    with transaction.atomic():
        for verdicts in _verdicts(resource, checker, open_table(content, run.file_name)):
            for verdict in verdicts:
                counts[verdict.kind] += 1
            digest.update(json.dumps([_essence(verdict) for verdict in verdicts], cls=DjangoJSONEncoder).encode())
            if sum(counts.values()) > limit:
                raise DomainError("import_too_many_rows", limit=limit)
            stage_rows(run, (_staged(resource, run, verdict) for verdict in verdicts))
        changes = {
            "rows": sum(counts.values()), "to_create": counts[CREATE], "to_update": counts[UPDATE],
            "to_skip": counts[SKIP], "refused": counts[ERROR], "snapshot": digest.hexdigest(),
        }  # fmt: skip
        return transition(run, RunState.CHECKED, field="state", changes=changes)


def begin_check(resource: ConsoleResource, run: ImportRun, content: bytes) -> ImportRun:
    """Check a small file now, and let the worker check a large one. DomainError of `check`."""
    if _is_small(resource, run, content):
        return check(resource, run, content)
    check_permission(resource)
    waiting = transition(run, RunState.CHECKING, field="state")
    enqueue(CHECK, waiting, dedupe_key=f"{CHECK}:{run.pk}", organization=run.organization_id)
    return waiting


def _is_small(resource: ConsoleResource, run: ImportRun, content: bytes) -> bool:
    if run.file_name.lower().endswith(".xlsx"):
        return len(content) <= SMALL_WORKBOOK
    return is_small(resource, content.count(b"\n"))


def _verdicts(resource: ConsoleResource, checker: Checker, table: Table) -> Iterator[list[Verdict]]:
    if isinstance(resource, WrittenInSets):
        yield from checker.verdicts(table)
        return
    # Judged by doing it; what was done is rolled back before the verdicts are kept.
    with transaction.atomic():
        tried = list(checker.verdicts(_at_most(table, resource.row_limit)))
        transaction.set_rollback(True)
    yield from tried


def _at_most(table: Table, limit: int) -> Table:
    def rows() -> Iterator[tuple[int, list[Any]]]:
        for count, row in enumerate(table.rows, start=1):
            if count > limit:
                raise DomainError("import_too_many_rows", limit=limit)
            yield row

    return Table(table.headers, rows())


def _essence(verdict: Verdict) -> list[Any]:
    return [verdict.row, verdict.kind, dict(verdict.changes), [error.code for error in verdict.errors]]


def _staged(resource: ConsoleResource, run: ImportRun, verdict: Verdict) -> dict[str, Any]:
    staged: dict[str, Any] = {"line": verdict.row, "outcome": verdict.kind}
    for name in ("label", "facts", "record_id", "beside_id", "known_id"):
        if getattr(verdict, name):
            staged[name] = getattr(verdict, name)
    if verdict.seen is not None:
        staged["seen"] = verdict.seen.isoformat()  # Django's encoder would cut microseconds off
    if verdict.changes:
        staged["changes"] = verdict.changes
    if verdict.errors:
        staged["errors"] = [error.keep() for error in verdict.errors]
    if verdict.cells is not None and (verdict.errors or not isinstance(resource, WrittenInSets)):
        staged["raw"] = sealed_line(run, verdict.row, verdict.cells)
    return staged


# --- confirm ---------------------------------------------------------------------------------------------------------
def confirm(
    resource: ConsoleResource, run: ImportRun, *, snapshot: str, leave_out: bool = False, at_once: int | None = None
) -> ImportRun:
    """The uploader's word: write what the preview showed, and only that.

    A small file (or one of at most `at_once` rows) is written here, whole or not at all; a larger one by jobs.
    `leave_out` writes the good rows of a file with refused ones. DomainError `import_not_the_uploader`,
    `import_not_yours`, `import_expired`, `import_has_refused_rows`, `import_changed`.
    """
    check_permission(resource)
    only_uploader(run, resource.actor)
    locked = ImportRun.objects.locked().get(pk=run.pk)
    if locked.state != RunState.CHECKED or locked.expires_at <= clock.now() or locked.snapshot != snapshot:
        raise DomainError("import_expired")
    if locked.refused and not leave_out:
        raise DomainError("import_has_refused_rows", count=locked.refused)
    changes = {"confirmed_at": clock.now(), "options": {**locked.options, "leave_out": leave_out}}
    running = transition(locked, RunState.RUNNING, field="state", changes=changes)
    if not (is_small(resource, running.rows) if at_once is None else running.rows <= at_once):
        ask_for_chunk(running)
        return running
    with transaction.atomic():
        while write_chunk(resource, running, whole=True):
            pass
    return running


# --- all of it, for the command line ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file did (`applied`) or would do."""

    sha256: str
    applied: bool
    counts: Mapping[str, int]
    errors: list[RowError]
    snapshot: str

    def as_dict(self) -> dict[str, Any]:
        """The JSON report of the command line."""
        return {**self.counts, "errors": [error.as_dict() for error in self.errors]}


def report_of(run: ImportRun) -> ImportReport:
    """What there is to say about a run now, with every refused row while staged rows are there."""
    done = run.state == RunState.DONE
    counts = {
        "created": run.created if done else run.to_create, "updated": run.updated if done else run.to_update,
        "skipped": run.skipped if done else run.to_skip,
    }  # fmt: skip
    refused = StagedRow.objects.filter(run=run, outcome=ERROR).order_by("line").values_list("line", "errors")
    errors = [RowError.kept(line, told) for line, kept in refused for told in kept or []]
    return ImportReport(run.sha256, done, counts, errors, run.snapshot)


def start_run(
    resource: ConsoleResource, content: bytes, *, name: str, import_id: uuid.UUID | None = None,
    columns: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None,
) -> ImportRun:  # fmt: skip
    """A run without an upload to wait for, for whoever holds the file anyway. DomainError of permission and header."""
    check_permission(resource)
    if resource.actor.user_id is None:
        raise DomainError("import_not_yours")
    meant = columns or guess_columns(resource, open_table(content, name).headers)
    run = ImportRun(
        organization=resource.organization, person_id=resource.actor.user_id, resource=resource.name,
        file_name=name[-200:], sha256=hashlib.sha256(content).hexdigest(), columns=dict(meant),
        options=dict(options or {}), expires_at=clock.now() + LIFETIME,
    )  # fmt: skip
    run.pk = import_id or run.pk
    run.save(force_insert=True)
    return run


def run_import(
    resource: ConsoleResource,
    content: bytes,
    *,
    name: str,
    dry_run: bool,
    import_id: uuid.UUID | None = None,
    row_limit: int | None = None,
    expected_snapshot: str = "",
    options: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Judge every row of a file as the resource's person, and write all of them when none is refused, in the caller's
    transaction. DomainError of `check` and `confirm`; `import_changed` when the outcome is not `expected_snapshot`."""
    with transaction.atomic():
        run = start_run(resource, content, name=name, import_id=import_id, options=options)
        run = check(resource, run, content, row_limit=row_limit)
        report = report_of(run)
        if dry_run or report.errors:
            transaction.set_rollback(True)
            return report
        if expected_snapshot and expected_snapshot != run.snapshot:
            raise DomainError("import_changed")
        return report_of(confirm(resource, run, snapshot=run.snapshot, at_once=run.rows))
