"""The one function that changes a status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.db import transaction

from core.apps import core_config
from core.errors import DomainError
from core.models import Row

RowT = TypeVar("RowT", bound=Row)
Guard = Callable[[Any], DomainError | None]


def blocked_by(row: Row, guards: Iterable[Guard]) -> DomainError | None:
    """The first guard's refusal, or None when the way is free."""
    for guard in guards:
        refusal = guard(row)
        if refusal is not None:
            return refusal
    return None


def can_move(row: Row, to: str, *, field: str = "status") -> bool:
    """Whether the table of `field` lists a step from the row's present value to `to`."""
    return to in row.transitions[field].get(getattr(row, field), frozenset())


@transaction.atomic
def transition(
    row: RowT,
    to: str,
    *,
    field: str = "status",
    reason: str = "",
    guards: Iterable[Guard] = (),
    changes: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
) -> RowT:
    """Move `row` to `to`: lock, check the table, run the guards, save only what changed, write history and evidence.

    `changes` are further columns saved in the same step. Returns the locked, saved row. DomainError
    `transition_not_allowed` when the table has no such step, or the first guard's error; nothing is written then.
    """
    locked = type(row).objects.locked().get(pk=row.pk)
    before = getattr(locked, field)
    if not can_move(locked, to, field=field):
        raise DomainError("transition_not_allowed", before=before, after=to)
    refusal = blocked_by(locked, guards)
    if refusal is not None:
        raise refusal
    setattr(locked, field, to)
    for name, value in (changes or {}).items():
        setattr(locked, name, value)
    locked._change_reason = reason or None
    locked.save(update_fields=[field, *(changes or {}), "updated_at"])
    core_config().record(
        f"{locked._meta.model_name}.{to}",
        locked,
        reason=reason,
        payload={"field": field, "from": before, "to": to, **(payload or {})},
    )
    return locked
