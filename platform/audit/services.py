"""Write evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models

from audit.models import Level, SystemEvent
from core.context import current_actor
from core.correlation import correlation_id
from core.scope import Scope, foreign_key_of, scope_of

_CONTROL = dict.fromkeys([*range(32), 127], " ")


def record(
    act: str,
    target: models.Model,
    *,
    organization: UUID | None = None,
    reason: str = "",
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Append an event to the chain of the target's organization, in the caller's transaction.

    `organization` overrides where the row's own scope points. `payload` holds ids, states and numbers only: no
    secret, no personal text. Control characters are neutralised.
    """
    actor = current_actor()
    home = organization or home_of(target)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT app.append_audit(%s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb)",
            [
                home,
                actor.user_id if actor else None,
                (actor.label if actor else "no context").translate(_CONTROL)[:254],
                act,
                target._meta.label_lower,
                str(target.pk),
                reason.translate(_CONTROL),
                correlation_id(),
                _json(payload or {}),
            ],
        )


def record_many(
    act: str,
    target: type[models.Model],
    events: Iterable[tuple[UUID | str | None, str, Mapping[str, Any] | str]],
    *,
    reason: str = "",
) -> None:
    """Append one event of the same act for each (organization, id of the row, payload or its JSON), in this order, as
    `record` would one by one: every event a link of its chain. In the caller's transaction."""
    actor = current_actor()
    told = [
        [str(home) if home else None, pk, payload if isinstance(payload, str) else _json(payload)]
        for home, pk, payload in events
    ]
    if not told:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT app.append_audit_many(array_agg((e.event ->> 0)::uuid ORDER BY e.place),"
            " array_agg(e.event ->> 1 ORDER BY e.place), array_agg((e.event ->> 2)::jsonb ORDER BY e.place),"
            " %s, %s, %s, %s, %s, %s) FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS e(event, place)",
            [
                actor.user_id if actor else None,
                (actor.label if actor else "no context").translate(_CONTROL)[:254],
                act,
                target._meta.label_lower,
                reason.translate(_CONTROL),
                correlation_id(),
                json.dumps(told),
            ],
        )


def _json(payload: Mapping[str, Any]) -> str:
    return json.dumps(dict(payload), cls=DjangoJSONEncoder, sort_keys=True)


def home_of(row: models.Model) -> UUID | None:
    """The organization a row belongs to by its own scope, following its parents; None for platform rows."""
    scope: Scope = scope_of(type(row))
    if scope.organization == "self":
        return row.pk
    if scope.organization:
        return getattr(row, foreign_key_of(type(row), scope.organization).attname)
    if scope.parent:
        parent = getattr(row, scope.parent)
        return home_of(parent) if parent is not None else None
    return None


def note(source: str, summary: str, *, level: Level = Level.INFO, **detail: Any) -> None:
    """Keep a technical event for the platform's eyes."""
    actor = current_actor()
    SystemEvent.objects.create(
        level=level,
        source=source,
        summary=summary.translate(_CONTROL)[:300],
        detail=_neutral(json.loads(json.dumps(detail, cls=DjangoJSONEncoder, default=str))),
        actor_label=actor.label if actor else "",
    )


def _neutral(value: Any) -> Any:
    """The same JSON value without control characters, which the database or a terminal would take for orders."""
    if isinstance(value, str):
        return value.translate(_CONTROL)
    if isinstance(value, dict):
        return {name.translate(_CONTROL): _neutral(inner) for name, inner in value.items()}
    return [_neutral(inner) for inner in value] if isinstance(value, list) else value
