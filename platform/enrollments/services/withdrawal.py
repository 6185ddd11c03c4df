"""Take back what an import brought or corrected, as long as nobody built on it.

Nobody was told anything yet, nothing was learnt from the client and nothing was paid: there is no counseling to keep
a record of, only personal data that should not be here. So the rows go, and what stays is the evidence: who brought
them and who took them back, their versions in the history, and an event for each in the chain. Records that were
there before are corrected back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import IntegrityError, connection, models, transaction

from audit.services import record_many
from core.errors import DomainError
from core.history import keep_versions
from enrollments.models import Client, Enrollment
from enrollments.services.corrections import restore, touched_since
from imports.enums import Outcome
from imports.models import ImportedRow, ImportRun

NAMED = 10
_CHANGED = """
SELECT h.id FROM {history} h WHERE h.id = ANY (%s::uuid[])
GROUP BY h.id HAVING count(*) > 1 OR max(h.history_change_reason) IS DISTINCT FROM %s
UNION SELECT given FROM unnest(%s::uuid[]) AS given
WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = given AND t.updated_at = t.created_at)
"""


@transaction.atomic
def withdraw_imported(run: ImportRun) -> None:
    """Delete the enrollments and clients that `run` made and put back what it corrected, all of it. DomainError
    `import_undo_touched`, naming lines, when one was changed since or another record stands on it."""
    made = ImportedRow.objects.filter(run=run, outcome=Outcome.CREATE)
    rows = list(made.order_by("line").values_list("line", "record_id", "beside_id"))
    enrollments = [row[1] for row in rows if row[1] is not None]
    clients = list(dict.fromkeys(row[2] for row in rows if row[2] is not None))
    touched = _touched(Enrollment, enrollments, run, within={}) | _touched(
        Client, clients, run, within={Enrollment: set(enrollments)}
    )
    lines = [line for line, enrollment, client in rows if touched & {enrollment, client}] + touched_since(run)
    if lines:
        _refuse(lines)
    reason = f"undo of {run.version}"
    restore(run, reason=reason)
    homes = dict(Enrollment.objects.filter(pk__in=enrollments).values_list("pk", "provider_id"))
    keep_versions(Enrollment, enrollments, "-", reason=reason)
    keep_versions(Client, clients, "-", reason=reason)
    record_many(
        "enrollment.withdrawn", Enrollment, ((homes[pk], str(pk), {"import": run.pk}) for pk in enrollments),
        reason=reason,
    )  # fmt: skip
    try:
        with transaction.atomic():
            for model, ids in ((Enrollment, enrollments), (Client, clients)):
                _delete(model, ids)
    except IntegrityError:
        # A record out of the person's sight stands on one of them.
        raise DomainError("import_undo_touched", count=1, rows="…") from None


def _touched(
    model: type[models.Model], ids: list[uuid.UUID], run: ImportRun, *, within: dict[Any, set[uuid.UUID]]
) -> set[uuid.UUID]:
    """Which rows have another version than the import's, or are pointed at by a record that is not `within` it."""
    past: Any = getattr(model, "history").model  # noqa: B009 -- the package adds the attribute to tracked models
    statement = _CHANGED.format(history=past._meta.db_table, table=model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(statement, [ids, run.version, ids])
        found = {row[0] for row in cursor.fetchall()}
    for other, name in _pointing_at(model):
        standing = other._base_manager.filter(**{f"{name}__in": ids})
        own = within.get(other, set())
        found |= {target for pk, target in standing.values_list("pk", name) if pk not in own}
    return found


def _pointing_at(model: type[models.Model]) -> Iterator[tuple[Any, str]]:
    for relation in model._meta.related_objects:
        if not relation.one_to_one or relation.related_model is not model:
            yield relation.related_model, relation.field.attname


def _refuse(lines: Iterable[int]) -> None:
    named = sorted(lines)
    shown = ", ".join(str(line) for line in named[:NAMED]) + (" …" if len(named) > NAMED else "")
    raise DomainError("import_undo_touched", count=len(named), rows=shown)


def _delete(model: type[models.Model], ids: list[uuid.UUID]) -> None:
    """Past Django's collector, which would load every row: the foreign keys of the database refuse what is used."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}"  # noqa: S608 -- a model's table
            " WHERE id = ANY (%s::uuid[])",
            [ids],
        )
