"""Correct enrollments on record from a file, thousands at a time, and put everything back.

A file replaces what the console lets people edit and fills what is missing; an empty cell leaves the record as it is.
The court, the first date set for the meeting of creditors and a deadline that stands are never replaced: they decide
what is due when, and have acts of their own with a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from audit.services import record_many
from core import clock
from core.history import keep_versions
from enrollments.models import Client, Enrollment
from imports.models import ImportRun

ON_CLIENT = ("phone",)
REPLACED = ("phone", "language", "chapter", "case_number")
FILLED = ("first_set_341_date", "de_filing_deadline")
_TEXTS, _DAYS = ("language", "chapter", "case_number"), FILLED
_ON_ENROLLMENT = [*_TEXTS, *_DAYS]


def _assignments(source: str, side: int) -> str:
    """Each column from `source`, a JSON object of [before, after], where it is named there."""
    texts = (f"{name} = coalesce({source} -> '{name}' ->> {side}, e.{name})" for name in _TEXTS)
    days = (
        f"{name} = CASE WHEN jsonb_exists({source}, '{name}')"
        f" THEN nullif({source} -> '{name}' ->> {side}, '')::date ELSE e.{name} END"
        for name in _DAYS
    )
    return ", ".join((*texts, *days))


_STAGED = "FROM imports_stagedrow s WHERE s.run_id = %s AND s.line = ANY (%s)"
_JOURNALLED = "FROM imports_importedrow j WHERE j.run_id = %s AND j.outcome = 'update'"
_CORRECT = f"""
UPDATE enrollments_enrollment e SET updated_at = %s, {_assignments("s.changes", 1)}
{_STAGED} AND e.id = s.record_id AND jsonb_exists_any(s.changes, %s) RETURNING e.id
"""  # noqa: S608 -- names of ours only
_CORRECT_CLIENTS = f"""
UPDATE enrollments_client c SET updated_at = %s, phone = s.changes -> 'phone' ->> 1
{_STAGED} AND c.id = s.known_id AND jsonb_exists(s.changes, 'phone') RETURNING c.id
"""  # noqa: S608 -- names of ours only
_CORRECTED = f"""
SELECT e.provider_id::text, e.id::text, jsonb_build_object('import', s.run_id,
    'columns', (SELECT jsonb_agg(name ORDER BY name) FROM jsonb_object_keys(s.changes) AS name))::text
FROM (SELECT s.run_id, s.line, s.record_id, s.changes {_STAGED}) AS s
JOIN enrollments_enrollment e ON e.id = s.record_id ORDER BY s.line
"""  # noqa: S608 -- names of ours only
_RESTORE = f"""
UPDATE enrollments_enrollment e SET updated_at = %s, {_assignments("j.before", 0)}
{_JOURNALLED} AND e.id = j.record_id AND jsonb_exists_any(j.before, %s) RETURNING e.id
"""  # noqa: S608 -- names of ours only
_RESTORE_CLIENTS = f"""
UPDATE enrollments_client c SET updated_at = %s, phone = j.before -> 'phone' ->> 0
FROM enrollments_enrollment e, (SELECT j.record_id, j.before {_JOURNALLED}) AS j
WHERE e.id = j.record_id AND c.id = e.client_id AND jsonb_exists(j.before, 'phone') RETURNING c.id
"""  # noqa: S608 -- names of ours only
_HOMES = f"""
SELECT e.provider_id::text, e.id::text, jsonb_build_object('import', j.run_id)::text
FROM (SELECT j.run_id, j.line, j.record_id {_JOURNALLED}) AS j
JOIN enrollments_enrollment e ON e.id = j.record_id ORDER BY j.line
"""  # noqa: S608 -- names of ours only
_TOUCHED = f"""
SELECT j.line FROM (SELECT j.line, j.record_id, j.before {_JOURNALLED}) AS j
LEFT JOIN enrollments_enrollment e ON e.id = j.record_id LEFT JOIN enrollments_client c ON c.id = e.client_id
WHERE e.id IS NULL
    OR jsonb_exists_any(j.before, %s) AND NOT EXISTS (SELECT 1 FROM enrollments_historicalenrollment h
        WHERE h.id = e.id AND h.history_change_reason = %s AND h.updated_at = e.updated_at)
    OR jsonb_exists(j.before, 'phone') AND NOT EXISTS (SELECT 1 FROM enrollments_historicalclient h
        WHERE h.id = c.id AND h.history_change_reason = %s AND h.updated_at = c.updated_at)
ORDER BY j.line
"""  # noqa: S608 -- names of ours only


def write_changes(run: ImportRun, lines: Sequence[int]) -> None:
    """Write what the preview of these staged rows showed, with a version of each record and an event for each row, in
    the caller's transaction. The caller holds the records and has compared them again."""
    if not lines:
        return
    chosen: list[Any] = [run.pk, list(lines)]
    with connection.cursor() as cursor:
        cursor.execute(_CORRECT, [clock.now(), *chosen, _ON_ENROLLMENT])
        enrollments = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CORRECT_CLIENTS, [clock.now(), *chosen])
        clients = [row[0] for row in cursor.fetchall()]
        cursor.execute(_CORRECTED, chosen)
        events = cursor.fetchall()
    keep_versions(Enrollment, enrollments, "~", reason=run.version)
    keep_versions(Client, clients, "~", reason=run.version)
    record_many("enrollment.corrected", Enrollment, events)


def touched_since(run: ImportRun) -> list[int]:
    """Lines whose record was changed after `run` corrected it, or is gone."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, [run.pk, _ON_ENROLLMENT, run.version, run.version])
        return [row[0] for row in cursor.fetchall()]


def restore(run: ImportRun, *, reason: str) -> None:
    """Put back what `run` corrected, as it was before, in the caller's transaction. The caller knows that nothing of
    it was touched since."""
    with connection.cursor() as cursor:
        cursor.execute(_RESTORE, [clock.now(), run.pk, _ON_ENROLLMENT])
        enrollments = [row[0] for row in cursor.fetchall()]
        cursor.execute(_RESTORE_CLIENTS, [clock.now(), run.pk])
        clients = [row[0] for row in cursor.fetchall()]
        cursor.execute(_HOMES, [run.pk])
        events = cursor.fetchall()
    keep_versions(Enrollment, enrollments, "~", reason=reason)
    keep_versions(Client, clients, "~", reason=reason)
    record_many("enrollment.restored", Enrollment, events, reason=reason)
