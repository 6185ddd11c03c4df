"""Keep what a change of many rows did, and take it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from audit.services import record
from core.context import Actor, person_of
from core.errors import DomainError
from lists.enums import RowResult
from lists.models import BulkEdit, BulkEditRow

LONGEST_LABEL = 200
LONGEST_REASON = 300


def start_edit(actor: Actor, *, list_name: str, fields: Iterable[str]) -> BulkEdit:
    """Open the record of a change of many rows. DomainError `nothing_to_edit` without a field."""
    names = sorted(fields)
    if not names:
        raise DomainError("nothing_to_edit")
    edit = BulkEdit(list_name=list_name, fields=names, made_by_id=person_of(actor))
    edit.save(force_insert=True)
    return edit


def keep_row(
    edit: BulkEdit,
    *,
    target_id: str,
    label: str,
    result: RowResult,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> BulkEditRow:
    """Keep what became of one row, in the caller's transaction."""
    row = BulkEditRow(
        edit=edit, target_id=target_id, label=label[:LONGEST_LABEL], result=result, before=dict(before or {}),
        after=dict(after or {}), reason=reason[:LONGEST_REASON],
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def finish_edit(edit: BulkEdit) -> BulkEdit:
    """Count what was changed and leave one event for the whole."""
    edit.changed = edit.rows.filter(result=RowResult.CHANGED).count()
    edit.save(update_fields=["changed", "updated_at"])
    record("bulk_edit.made", edit, payload={"list": edit.list_name, "fields": edit.fields, "rows": edit.changed})
    return edit


def undo_edit(actor: Actor, edit: BulkEdit, restore: Callable[[BulkEditRow], DomainError | None]) -> dict[str, int]:
    """Take a change back row by row; `restore` puts one row back or says why it cannot.

    Only the maker may, and once. Returns how many rows were put back and how many were left alone. DomainError
    `edit_not_yours`, `edit_undone_already`.
    """
    if edit.made_by_id != actor.user_id:
        raise DomainError("edit_not_yours")
    edit = BulkEdit.objects.locked().get(pk=edit.pk)
    if edit.undone_at is not None:
        raise DomainError("edit_undone_already")
    counts = {"undone": 0, "kept": 0}
    for row in edit.rows.filter(result=RowResult.CHANGED):
        refusal = restore(row)
        row.result = RowResult.UNDONE if refusal is None else RowResult.KEPT
        row.reason = "" if refusal is None else str(refusal)[:LONGEST_REASON]
        row.save(update_fields=["result", "reason", "updated_at"])
        counts["undone" if refusal is None else "kept"] += 1
    edit.close()
    record("bulk_edit.undone", edit, payload={"list": edit.list_name, **counts})
    return counts
