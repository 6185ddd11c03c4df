"""The cache: a table of the same database, written on the connection that outlives a request's roll-back."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.db import DatabaseCache


class SideCache(DatabaseCache):
    """Django's database cache on the alias `side`, shared by all processes."""

    def __init__(self, table: str, params: dict[str, Any]) -> None:
        super().__init__(table, params)
        self.cache_model_class._meta.app_label = "side"


class SideRouter:
    """Sends the cache to the alias `side`, and nothing else."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "side" if model._meta.app_label == "side" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == "side" else None
