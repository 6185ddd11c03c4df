"""What a row looked like before: simple-history with our actor, our correlation id and no personal secrets."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from django.db import connection, models
from simple_history.models import HistoricalRecords

from core import clock
from core.context import current_actor
from core.correlation import correlation_id

_standing_reason: ContextVar[str] = ContextVar("certaos_history_reason", default="")


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Write `reason` into every old version saved in the block that states none of its own: an import names itself."""
    token = _standing_reason.set(reason)
    try:
        yield
    finally:
        _standing_reason.reset(token)


class _Records(HistoricalRecords):
    def create_historical_record(self, instance: models.Model, history_type: str, using: str | None = None) -> None:
        setattr(instance, "_history_date", clock.now())  # noqa: B010 -- the package's own name for it, undeclared
        super().create_historical_record(instance, history_type, using)

    def get_change_reason_for_object(self, instance: models.Model, history_type: str, using: str) -> str | None:
        own = super().get_change_reason_for_object(instance, history_type, using)
        return own or _standing_reason.get() or None


def actor_label() -> str:
    """How the present actor is shown in old versions; empty outside of any context."""
    actor = current_actor()
    return actor.label if actor else ""


class HistoryRow(models.Model):
    """Columns that every history table has beside the tracked ones."""

    correlation_id = models.CharField(max_length=64, default=correlation_id, blank=True)
    actor_label = models.CharField(max_length=254, default=actor_label, blank=True)

    class Meta:
        abstract = True


def _acting_user(instance: models.Model, **_: Any) -> Any:
    actor = current_actor()
    return SimpleNamespace(pk=actor.user_id) if actor and actor.user_id else None


def _user_of(row: Any) -> Any:
    return SimpleNamespace(pk=row.history_user_id) if row.history_user_id else None


def _remember_user(row: Any, user: Any) -> None:
    row.history_user_id = user.pk if user is not None else None


def history(*, excluded: tuple[str, ...] = ()) -> HistoricalRecords:
    """Track a model. `excluded` names columns that must never be copied: sealed and secret ones."""
    return _Records(
        bases=[HistoryRow],
        excluded_fields=list(excluded),
        history_id_field=models.UUIDField(default=uuid.uuid4),
        history_user_id_field=models.UUIDField(null=True, blank=True),
        history_user_getter=_user_of,
        history_user_setter=_remember_user,
        get_user=_acting_user,
        history_change_reason_field=models.TextField(null=True),
        cascade_delete_history=False,
    )


def keep_versions(model: type[models.Model], ids: Sequence[uuid.UUID | str], kind: str, *, reason: str) -> int:
    """Copy the rows with these ids into the history of `model`, as a save of each would: the present actor, moment and
    request, `kind` (`+`, `~`, `-`) and `reason`. For set-based writing, in the caller's transaction; returns how many
    versions were kept."""
    past: Any = getattr(model, "history").model  # noqa: B009 -- the package adds the attribute to tracked models
    tracked = [field.column for field in past._meta.concrete_fields if _is_tracked(model, field.name)]
    own = ("history_id", "history_date", "history_change_reason", "history_type", "history_user_id",
           "correlation_id", "actor_label")  # fmt: skip
    names = ", ".join(connection.ops.quote_name(name) for name in (*tracked, *own))
    copied = ", ".join(f"t.{connection.ops.quote_name(name)}" for name in tracked)
    statement = (
        f"INSERT INTO {connection.ops.quote_name(past._meta.db_table)} ({names})"  # noqa: S608 -- names of models only
        f" SELECT {copied}, gen_random_uuid(), %s, %s, %s, %s, %s, %s"
        f" FROM {connection.ops.quote_name(model._meta.db_table)} t WHERE t.id = ANY (%s::uuid[])"
    )
    user = _acting_user(model())
    values = [clock.now(), reason, kind, user.pk if user else None, correlation_id(), actor_label(), id_array(ids)]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def id_array(ids: Iterable[uuid.UUID | str]) -> str:
    """Ids as the text of a `uuid[]`, which is much faster to send than a list."""
    return f"{{{','.join(map(str, ids))}}}"


def _is_tracked(model: type[models.Model], name: str) -> bool:
    return any(field.name == name for field in model._meta.concrete_fields)
