"""Write what was confirmed, chunk by chunk, and take it back. See `resources.importing` for the whole way of a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

from audit.services import record
from core import clock
from core.errors import DomainError
from core.history import because
from core.transitions import transition
from imports.enums import UNDOABLE, RunState
from imports.models import ImportRun, StagedRow
from imports.services.rows import journal, journal_rows, opened_line
from imports.services.runs import refuse_unless
from jobs.services import enqueue
from resources.base import ConsoleResource
from resources.checking import Checker, write_row
from resources.rights import check_permission
from resources.sets import WrittenInSets
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE, Verdict

WRITE, UNDO = "imports.write", "imports.undo"
# Up to here a file is checked, written and undone in the request or command, in one transaction.
AT_ONCE = 5_000
CHUNK = 5_000
# Rows that go through their service one by one cost more: so many are tried in a request.
TRIED_AT_ONCE = 500
# What writing asks of a staged row; an object of the model for each would cost more than the writing.
_READ = ("line", "outcome", "record_id", "known_id", "seen", "changes", "raw")


def is_small(resource: ConsoleResource, rows: int) -> bool:
    """Whether so many rows are written while the person waits."""
    return rows <= (AT_ONCE if isinstance(resource, WrittenInSets) else TRIED_AT_ONCE)


def ask_for_chunk(run: ImportRun, *, wait: Any = None) -> None:
    """Let the worker write the chunk after the cursor, once."""
    enqueue(WRITE, run, dedupe_key=f"{WRITE}:{run.pk}:{run.cursor}", organization=run.organization_id, not_before=wait)


def write_chunk(resource: ConsoleResource, run: ImportRun, *, whole: bool = False, size: int = 0) -> bool:
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
    size = size or CHUNK
    rows: list[Any] = list(_unwritten(fresh).values_list(*_READ, named=True)[:size])
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


def _write(resource: ConsoleResource, run: ImportRun, rows: list[Any], *, whole: bool) -> None:
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


def _write_sets(resource: WrittenInSets, run: ImportRun, rows: list[Any]) -> set[int]:
    resource.begin(run.pk, run.options)
    found = resource.compare_again(run, [row.line for row in rows])
    changed = {row.line for row in rows if not _still_so(row, found.get(row.line))}
    good = [row for row in rows if row.line not in changed]
    new = [row.line for row in good if row.outcome == CREATE]
    resource.write(run, new, [row.line for row in good if row.outcome == UPDATE])
    journal(run, [row.line for row in good])
    return changed


def _still_so(row: Any, finding: Any) -> bool:
    if finding is None:
        return row.outcome == CREATE and row.known_id is None
    if row.outcome == SKIP:
        return bool(finding.kind == SKIP)
    record = row.record_id if row.outcome == UPDATE else ""
    seen = (row.outcome, str(record or ""), str(row.known_id or ""), row.seen)
    return bool(finding.essence == seen and _plain(finding.changes) == _plain(row.changes or {}))


def _write_rows(resource: ConsoleResource, run: ImportRun, rows: list[Any]) -> set[int]:
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
