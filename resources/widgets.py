"""How a cell becomes a value: each refuses with a DomainError that says what was expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import models
from import_export.widgets import Widget

from core.context import Actor
from core.errors import DomainError

_SHOWN = 80


class Text(Widget):
    """Trimmed text; longer than `limit` is refused."""

    def __init__(self, limit: int = 200) -> None:
        super().__init__()
        self.limit = limit

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value).strip()
        if len(text) > self.limit:
            raise invalid(text)
        return text


class Choice(Widget):
    """One of `choices` (value, label), told by value or by label, in any case; empty stays empty."""

    def __init__(self, choices: Iterable[tuple[str, Any]]) -> None:
        super().__init__()
        self.choices = list(choices)

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = "" if value is None else str(value).strip()
        for stored, label in self.choices:
            if text.casefold() in {str(stored).casefold(), str(label).casefold()}:
                return stored
        if not text:
            return ""
        listed = ", ".join(str(stored) for stored, _label in self.choices)
        raise DomainError("import_value_not_listed", value=text[:_SHOWN], choices=listed)


class Date(Widget):
    """A day as 2026-04-30; nothing else, because 04/05/2026 means two days."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> dt.date | None:
        if value is None or not str(value).strip():
            return None
        try:
            return dt.date.fromisoformat(str(value).strip().removesuffix("T00:00:00").removesuffix(" 00:00:00"))
        except ValueError:
            raise invalid(value) from None


class Cents(Widget):
    """A whole number of cents, above zero; empty is None."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise invalid(text)
        return int(text)


class ScopedReference(Widget):
    """A related row in sight of the importing person, told by the unique column `by`.

    A row out of sight is refused with the same words as one that does not exist.
    """

    def __init__(self, model: type[models.Model], by: str) -> None:
        super().__init__()
        self.model = model
        self.by = by

    def rows(self, actor: Actor) -> models.QuerySet:
        """The rows that may be named; narrow it in a subclass."""
        manager: Any = self.model._default_manager
        return manager.visible_to(actor)

    def clean(self, value: Any, row: Any = None, *, actor: Actor, **kwargs: Any) -> models.Model | None:
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        found = self.rows(actor).filter(**{f"{self.by}__iexact": text}).first()
        if found is None:
            raise DomainError("import_reference_unknown", value=text[:_SHOWN])
        return found


def invalid(value: Any) -> DomainError:
    """The refusal of a value that cannot be understood."""
    return DomainError("import_value_invalid", value=str(value)[:_SHOWN])
