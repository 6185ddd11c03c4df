"""The abstract rows that every room builds on, and the few tables core itself keeps."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models

from core import clock
from core.privacy import Privacy
from core.scope import Scope, ScopedManager


class Row(models.Model):
    """A row with a random id, its birth and last change, a scope and a privacy class for each text column."""

    scope: ClassVar[Scope]
    privacy: ClassVar[Mapping[str, Privacy]] = {}
    transitions: ClassVar[Mapping[str, Mapping[Any, frozenset[Any]]]] = {}
    searched: ClassVar[bool] = False  # has the column that `core.search` looks at
    _change_reason: str | None  # set before a save, read by the history

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    objects = ScopedManager()

    class Meta:
        abstract = True

    @property
    def is_whole(self) -> bool:
        """Whether the reader sees all that an act on this row needs; a row that is not whole is only read."""
        return True


class Counter(models.Model):
    """A locked counter row: numbers without gaps, because the increment commits with what it numbers."""

    scope = Scope.shared()
    privacy: ClassVar = {"name": Privacy.INTERNAL}

    name = models.CharField(max_length=120, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class RateLimit(models.Model):
    """Hits of one key in one window, shared by all processes."""

    scope = Scope.shared()
    privacy: ClassVar = {"key": Privacy.INTERNAL}

    key = models.CharField(max_length=120, primary_key=True)
    window = models.BigIntegerField()
    hits = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.key}: {self.hits}"


class RowSecurityBaseline(models.Model):
    """What `rls_apply` declared and what the catalogue then held, by table."""

    scope = Scope.reference()
    privacy: ClassVar = dict.fromkeys(("table_name", "declared", "held"), Privacy.INTERNAL)

    table_name = models.CharField(max_length=120, primary_key=True)
    declared = models.CharField(max_length=64)
    held = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.table_name
