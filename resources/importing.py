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
from django.db import connection, models, transaction

from audit.services import record
from core import clock
from core.context import Actor
from core.errors import DomainError
from core.history import because
from core.transitions import transition
from imports.enums import UNDOABLE, Outcome, RunState
from imports.models import ImportRun, StagedRow
from imports.services.rows import journal, journal_rows, opened_line, sealed_line, stage_rows
from imports.services.runs import only_uploader, refuse_unless
from jobs.services import enqueue
from resources.base import ConsoleResource
from resources.catalogue import RESOURCES
from resources.checking import Checker, write_row
from resources.formats import SafeCSV, SafeFormat, SafeXLSX
from resources.headers import guess_columns
from resources.reading import Table, open_csv, open_xlsx
from resources.sets import WrittenInSets
from resources.staging import LIFETIME
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE, RowError, Verdict

FORMATS: tuple[type[SafeFormat], ...] = (SafeCSV, SafeXLSX)
CHECK, WRITE, UNDO = "imports.check", "imports.write", "imports.undo"
# Up to here a file is checked and written in the request or command, in one transaction; beyond it in chunks.
AT_ONCE = 5_000
CHUNK = 5_000
# Rows that go through their service one by one cost more: so many are tried in a request.
TRIED_AT_ONCE = 500
SMALL_WORKBOOK = 200_000


def resource_of(run: ImportRun, actor: Actor) -> ConsoleResource:
    """The resource of a run, for the person who acts."""
    return RESOURCES[run.resource](actor, run.organization)


def open_table(content: bytes, name: str) -> Table:
    """The file's table: .xlsx is Excel, everything else is read as CSV."""
    return open_xlsx(content) if name.lower().endswith(".xlsx") else open_csv(content)


def check_permission(resource: ConsoleResource) -> None:
    """DomainError `import_not_yours`, `import_organization_needed` unless the person may import there."""
    home = resource.organization
    if not resource.allowed(resource.actor, "import"):
        raise DomainError("import_not_yours")
    if home is None:
        raise DomainError("import_organization_needed")
    if not resource.organizations(resource.actor).filter(pk=home.pk).exists():
        raise DomainError("import_not_yours")


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
                digest.update(json.dumps(_essence(verdict), cls=DjangoJSONEncoder).encode())
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
    return content.count(b"\n") <= (AT_ONCE if isinstance(resource, WrittenInSets) else TRIED_AT_ONCE)


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
    for name in ("label", "facts", "record_id", "beside_id", "known_id", "seen"):
        if getattr(verdict, name):
            staged[name] = getattr(verdict, name)
    if verdict.changes:
        staged["changes"] = verdict.changes
    if verdict.errors:
        staged["errors"] = [error.keep() for error in verdict.errors]
    if verdict.cells is not None and (verdict.errors or not isinstance(resource, WrittenInSets)):
        staged["raw"] = sealed_line(run, verdict.row, verdict.cells)
    return staged


# --- confirm and write ------------------------------------------------------------------------------------------------
def confirm(
    resource: ConsoleResource, run: ImportRun, *, snapshot: str, leave_out: bool = False, at_once: int = AT_ONCE
) -> ImportRun:
    """The uploader's word: write what the preview showed, and only that.

    A file of at most `at_once` rows is written here, whole or not at all; a larger one by jobs, chunk by chunk.
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
    if running.rows > at_once:
        ask_for_chunk(running)
        return running
    with transaction.atomic():
        while write_chunk(resource, running, whole=True):
            pass
    return running


def ask_for_chunk(run: ImportRun, *, wait: Any = None) -> None:
    """Let the worker write the chunk after the cursor, once."""
    enqueue(WRITE, run, dedupe_key=f"{WRITE}:{run.pk}:{run.cursor}", organization=run.organization_id, not_before=wait)


def write_chunk(resource: ConsoleResource, run: ImportRun, *, whole: bool = False, size: int = CHUNK) -> bool:
    """Write the next rows and move the cursor, in the caller's transaction; whether there is more to do.

    A row whose outcome is not what the preview showed any more is not written: with `whole` the file as such is
    refused (DomainError `import_changed`), otherwise the row is. `run` is brought up to date.
    """
    check_permission(resource)
    _alone(run)
    fresh = ImportRun.objects.locked().get(pk=run.pk)
    if fresh.state != RunState.RUNNING:
        run.refresh_from_db()
        return False
    rows = list(_unwritten(fresh).defer("facts")[:size])
    if rows:
        with because(fresh.version):
            _write(resource, fresh, rows, whole=whole)
        fresh.cursor = rows[-1].line
        fresh.save(update_fields=["cursor", "created", "updated", "skipped", "failed", "updated_at"])
    more = len(rows) == size and _unwritten(fresh).exists()
    if not more:
        _finish(resource, fresh)
    run.refresh_from_db()
    return more


def _unwritten(run: ImportRun) -> models.QuerySet[StagedRow]:
    return StagedRow.objects.filter(run=run, line__gt=run.cursor).exclude(outcome=ERROR).order_by("line")


def _alone(run: ImportRun) -> None:
    """One import at a time for an organization and kind, so that two files cannot both make the same client."""
    with connection.cursor() as cursor:
        name = f"import|{run.resource}|{run.organization_id}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _write(resource: ConsoleResource, run: ImportRun, rows: list[StagedRow], *, whole: bool) -> None:
    if isinstance(resource, WrittenInSets):
        changed = _write_sets(resource, run, rows)
    else:
        changed = _write_rows(resource, run, rows)
    if changed and whole:
        raise DomainError("import_changed")
    journal_rows(run, ({"line": line, "outcome": ERROR, "code": "import_changed"} for line in changed))
    left = [row for row in rows if row.line not in changed]
    run.created += sum(row.outcome == CREATE for row in left)
    run.updated += sum(row.outcome == UPDATE for row in left)
    run.skipped += sum(row.outcome == SKIP for row in left)
    run.failed += len(changed)


def _write_sets(resource: WrittenInSets, run: ImportRun, rows: list[StagedRow]) -> set[int]:
    resource.begin(run.pk, run.options)
    found = resource.compare_again(run, [row.line for row in rows])
    changed = {row.line for row in rows if not _still_so(row, found.get(row.line))}
    good = [row for row in rows if row.line not in changed]
    new = [row.line for row in good if row.outcome == CREATE]
    resource.write(run, new, [row.line for row in good if row.outcome == UPDATE])
    journal(run, [row.line for row in good])
    return changed


def _still_so(row: StagedRow, finding: Any) -> bool:
    if finding is None:
        return row.outcome == CREATE and row.known_id is None
    if row.outcome == SKIP:
        return bool(finding.kind == SKIP)
    record = row.record_id if row.outcome == UPDATE else ""
    return bool(finding.essence == (row.outcome, str(record or ""), str(row.known_id or ""), row.seen))


def _write_rows(resource: ConsoleResource, run: ImportRun, rows: list[StagedRow]) -> set[int]:
    checker = Checker(resource, run.columns, seed=run.pk, options=run.options)
    staged = {row.line: row for row in rows}
    changed, done = set(), []
    for line, _cells, values, errors in checker.cleaned([(row.line, opened_line(run, row)) for row in rows]):
        verdict = Verdict(line, ERROR) if errors else write_row(resource, line, values)
        if (verdict.kind, _plain(verdict.changes)) != (staged[line].outcome, _plain(staged[line].changes or {})):
            changed.add(line)
            continue
        done.append({"line": line, "outcome": verdict.kind, "record_id": verdict.record_id, "before": verdict.changes})
    journal_rows(run, done)
    return changed


def _plain(changes: Mapping[str, Any]) -> str:
    return json.dumps(changes, cls=DjangoJSONEncoder, sort_keys=True)


def _finish(resource: ConsoleResource, run: ImportRun) -> None:
    refused = StagedRow.objects.filter(run=run, outcome=ERROR)
    journal_rows(
        run,
        (
            {"line": line, "outcome": ERROR, "code": errors[0]["code"] if errors else ""}
            for line, errors in refused.values_list("line", "errors").iterator(chunk_size=2000)
        ),
    )
    failed = run.failed + run.refused
    upload = run.upload
    transition(
        run, RunState.DONE, field="state", changes={"finished_at": clock.now(), "upload_id": None, "failed": failed}
    )
    if upload is not None:
        upload.delete()
    record(
        f"{resource.name}.imported",
        resource.evidence_target(),
        payload={
            "import": run.pk, "sha256": run.sha256, "rows": run.rows, "created": run.created, "updated": run.updated,
            "skipped": run.skipped, "failed": failed,
        },
    )  # fmt: skip


# --- undo -------------------------------------------------------------------------------------------------------------
def undo(resource: ConsoleResource, run: ImportRun) -> ImportRun:
    """Take back everything a run wrote, in one transaction, or nothing of it. Lists are as they were before; history
    and evidence keep what was there. DomainError `import_not_yours`, `import_not_now`, `import_undo_not_offered`,
    `import_nothing_to_undo`, `import_undo_touched`."""
    check_permission(resource)
    _alone(run)
    locked = ImportRun.objects.locked().get(pk=run.pk)
    refuse_unless(locked, *UNDOABLE, RunState.UNDOING)
    if not isinstance(resource, WrittenInSets):
        raise DomainError("import_undo_not_offered")
    if not locked.created + locked.updated:
        raise DomainError("import_nothing_to_undo")
    resource.take_back(locked)
    return transition(
        locked, RunState.UNDONE, field="state", reason=f"undo of {locked.version}", changes={"undone_at": clock.now()}
    )


def begin_undo(resource: ConsoleResource, run: ImportRun) -> ImportRun:
    """Undo a small import now, and let the worker undo a large one. DomainError of `undo`."""
    if run.created + run.updated <= AT_ONCE:
        return undo(resource, run)
    check_permission(resource)
    refuse_unless(run, *UNDOABLE)
    before = str(run.state)
    waiting = transition(run, RunState.UNDOING, field="state", changes={"refusal": {}})
    params = {"person": str(resource.actor.user_id), "before": before}
    key = f"{UNDO}:{run.pk}:{clock.now():%Y%m%dT%H%M%S%f}"
    enqueue(UNDO, waiting, dedupe_key=key, organization=run.organization_id, params=params)
    return waiting


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
