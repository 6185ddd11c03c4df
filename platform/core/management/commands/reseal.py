from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import models

from core.context import acting, system_actor
from core.crypto import PREFIX, SealedField

PORTION = 500


def sealed_fields() -> Iterator[tuple[type[models.Model], list[SealedField]]]:
    """Every model with sealed columns, and these columns."""
    for model in apps.get_models():
        fields = [field for field in model._meta.local_concrete_fields if isinstance(field, SealedField)]
        if fields:
            yield model, fields


class Command(BaseCommand):
    help = "Seal every personal field again that is not under the first of FIELD_KEYS. Safe to stop and to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        total = sum(self._table(model, fields) for model, fields in sealed_fields())
        self.stdout.write(f"{total} rows were sealed again.")

    @staticmethod
    def _table(model: type[models.Model], fields: list[SealedField]) -> int:
        done = 0
        while True:
            with acting(system_actor("reseal")):
                rows = list(_behind(model, fields)[:PORTION])
                for row in rows:
                    for field in fields:
                        setattr(row, field.attname, getattr(row, field.attname))
                    row.skip_history_when_saving = True  # nothing about the person changes
                    row.save(update_fields=[field.attname for field in fields])
            done += len(rows)
            if not rows:
                return done


def _behind(model: type[models.Model], fields: list[SealedField]) -> models.QuerySet[Any]:
    current = f"{PREFIX}:{next(iter(settings.FIELD_KEYS))}:"
    old = models.Q()
    for field in fields:
        old |= ~models.Q(**{f"{field.attname}__startswith": current}) & ~models.Q(**{field.attname: ""})
    return model._base_manager.filter(old).order_by("pk")
