"""Staged rows in, journal out: both in sets, in the caller's transaction and context.

Rows travel as one JSON text a batch. COPY would be as fast and cannot be used: PostgreSQL refuses COPY FROM into a
table with row security, and the runtime roles may not make temporary tables (see the decision about imports).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Q

from core import clock
from core.crypto import seal, unseal
from core.transitions import transition
from imports.enums import BEFORE_WRITING, Outcome, RunState
from imports.models import ImportedRow, ImportRun, StagedRow

REFUSED_ROWS_KEPT = dt.timedelta(hours=24)

_STAGE = """
INSERT INTO imports_stagedrow (run_id, organization_id, person_id, line, outcome, label, record_id, beside_id, known_id,
    seen, facts, changes, errors, raw)
SELECT %s, %s, %s, r.line, r.outcome, coalesce(r.label, ''), r.record_id, r.beside_id, r.known_id, r.seen, r.facts,
    r.changes, r.errors, coalesce(r.raw, '')
FROM jsonb_to_recordset(%s::jsonb) AS r(line int, outcome text, label text, record_id uuid, beside_id uuid,
    known_id uuid, seen timestamptz, facts jsonb, changes jsonb, errors jsonb, raw text)
"""
_JOURNAL = """
INSERT INTO imports_importedrow (run_id, organization_id, line, outcome, record_id, beside_id, before, code)
SELECT s.run_id, s.organization_id, s.line, s.outcome, s.record_id, s.beside_id, s.changes, ''
FROM imports_stagedrow s WHERE s.run_id = %s AND s.line = ANY (%s)
"""


def stage_rows(run: ImportRun, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep judged rows of a run (the columns of StagedRow by name) until they are written or the deadline passes."""
    text = json.dumps(list(rows), cls=DjangoJSONEncoder, separators=(",", ":"))
    with connection.cursor() as cursor:
        cursor.execute(_STAGE, [run.pk, run.organization_id, run.person_id, text])


def sealed_line(run: ImportRun, line: int, cells: Mapping[str, Any]) -> str:
    """A line as it was uploaded, closed for this run and line."""
    return seal(json.dumps(dict(cells), cls=DjangoJSONEncoder), bound_to=_binding(run, line))


def opened_line(run: ImportRun, row: Any) -> dict[str, Any]:
    """What `sealed_line` closed, of a staged row or its `line` and `raw`; empty when nothing was kept."""
    return dict(json.loads(unseal(row.raw, bound_to=_binding(run, row.line)))) if row.raw else {}


def _binding(run: ImportRun, line: int) -> str:
    return f"{StagedRow._meta.db_table}|{run.pk}|{line}|raw"


def journal(run: ImportRun, lines: Sequence[int]) -> None:
    """Keep for good what staged rows did: their outcome and records, and of a change the values before it."""
    with connection.cursor() as cursor:
        cursor.execute(_JOURNAL, [run.pk, list(lines)])


def journal_rows(run: ImportRun, rows: Iterable[Mapping[str, Any]]) -> None:
    """The same for rows whose records are known only now, or that were refused while writing."""
    ImportedRow.objects.bulk_create(
        [ImportedRow(run=run, organization_id=run.organization_id, **row) for row in rows], batch_size=1000
    )


def purge_staged() -> tuple[int, int]:
    """Expire runs that nobody confirmed in time, and delete staged rows that are not needed any more: of expired and
    finished runs, refused rows a day later. Returns how many runs and rows. For the worker."""
    now = clock.now()
    late = list(ImportRun.objects.filter(state__in=BEFORE_WRITING, expires_at__lt=now))
    for run in late:
        transition(run, RunState.EXPIRED, field="state", changes={"finished_at": now, "upload_id": None})
    finished = StagedRow.objects.filter(run__finished_at__isnull=False)
    old = Q(run__state=RunState.EXPIRED) | ~Q(outcome=Outcome.ERROR) | Q(run__finished_at__lt=now - REFUSED_ROWS_KEPT)
    written, _ = finished.filter(old).delete()
    return len(late), written
