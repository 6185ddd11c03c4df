"""Names of columns, for sentences about what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models


def column_labels(model: type[models.Model], names: Iterable[str]) -> list[str]:
    """The columns' names in the reader's language."""
    return [str(getattr(model._meta.get_field(name), "verbose_name", name)) for name in names]
