"""Mistakes that several controls make in the product."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from tests.database import role


def bare(*kinds: type[models.Model]) -> None:
    """Take the second net away, in this test's transaction: otherwise it would hide the mistake in the first."""
    with role("owner"), connection.cursor() as cursor:
        for model in kinds:
            cursor.execute(f'ALTER TABLE "{model._meta.db_table}" DISABLE ROW LEVEL SECURITY')


def everything(model: Any, request: Any, permission: str) -> Any:
    """What a careless queryset would be: every row."""
    return model._default_manager.all()
