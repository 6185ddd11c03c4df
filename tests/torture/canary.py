"""A word in every text that only tenant B may see, for the trials that look for it elsewhere."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import models

from core.crypto import SealedField
from core.rls import tables
from core.scope import organizations_of, scope_of
from tests.database import Databases, as_system
from tests.factories.names import World

TOKEN = "zqcanary7f"


def texts(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Columns that take any text."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not isinstance(field, SealedField)
        and not field.choices and not field.primary_key and (field.max_length or 99) >= 12
    ]  # fmt: skip


def plant(world: World, databases: Databases) -> tuple[int, list[str]]:
    """Write the word into every text of every row that only tenant B may see; columns filled, columns that refused."""
    theirs = {world.provider_b.pk, world.firm_b.pk}
    filled, refused = 0, set()
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as hand:
        hand.execute("SET session_replication_role = replica")
        for model in (table.model for table in tables() if table.model is not None):
            keys = _theirs_alone(model, theirs) if texts(model) else []
            for field in texts(model) if keys else ():
                filled += 1
                if not _fill(hand, field, keys):
                    refused |= {f"{model._meta.label}.{field.name}"}
    return filled, sorted(refused)


def _theirs_alone(model: type[models.Model], theirs: set[Any]) -> list[Any]:
    scope = scope_of(model)
    if scope.everyone or scope.public or scope.organization == "self":
        return []
    with as_system():
        homes = {row.pk: organizations_of(row) for row in model._base_manager.all()}
    return [key for key, found in homes.items() if found and found <= theirs]


def _fill(hand: psycopg.Connection, field: models.Field[Any, Any], keys: list[Any]) -> bool:
    """Write the word into one column of these rows; False when a rule of the column stands against it in any."""
    meta = field.model._meta
    ending = "@b.example" if isinstance(field, models.EmailField) else ""
    statement = (
        f'UPDATE "{meta.db_table}" SET "{field.column}" ='
        f" left('{TOKEN}' || left({meta.pk.column}::text, 20) || '{ending}', %s) WHERE {meta.pk.column} = ANY (%s)"
    )
    if _done(hand, statement, field, keys):
        return True
    return sum(_done(hand, statement, field, [key]) for key in keys) == len(keys)


def _done(hand: psycopg.Connection, statement: str, field: models.Field[Any, Any], keys: list[Any]) -> bool:
    try:
        hand.execute(statement, [field.max_length or 10_000, keys])
    except psycopg.Error:
        return False
    return True
