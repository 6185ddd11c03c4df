"""How a cell becomes a value: each refuses with a DomainError that says what was expected."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models.functions import Cast, Lower
from django.utils.translation import get_language
from import_export import widgets

from core.context import Actor
from core.errors import DomainError

_SHOWN = 80


class Widget(widgets.Widget):
    """`repeats` says that a file's cells hold few different texts, and that a text always has the same meaning."""

    repeats: ClassVar[bool] = False


class Text(Widget):
    """Trimmed text; longer than `limit` is refused."""

    def __init__(self, limit: int = 200) -> None:
        super().__init__()
        self.limit = limit

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = _stripped(value)
        if len(text) > self.limit:
            raise invalid(text)
        return text


class Choice(Widget):
    """One of `choices` (value, label), told by value or by label, in any case; empty stays empty."""

    repeats = True

    def __init__(self, choices: Iterable[tuple[str, Any]]) -> None:
        super().__init__()
        self.choices = list(choices)
        self._by_language: dict[str, dict[str, str]] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = _stripped(value)
        if not text:
            return ""
        found = self._meanings().get(text.casefold())
        if found is not None:
            return found
        listed = ", ".join(str(stored) for stored, _label in self.choices)
        raise DomainError("import_value_not_listed", value=text[:_SHOWN], choices=listed)

    def _meanings(self) -> dict[str, str]:
        """The stored value by folded value and label, in the language that is spoken now."""
        language = get_language() or ""
        if language not in self._by_language:
            labels = {str(label).casefold(): str(stored) for stored, label in self.choices}
            self._by_language[language] = labels | {str(stored).casefold(): str(stored) for stored, _ in self.choices}
        return self._by_language[language]


# What nearly every address looks like; a narrow part of what Django's validator takes, and much cheaper to see.
_COMMON_ADDRESS = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.ASCII
)


class Email(Text):
    """An address in small letters, as the forms take it."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = super().clean(value, row, **kwargs).lower()
        if text and not _COMMON_ADDRESS.fullmatch(text):
            try:
                validate_email(text)
            except ValidationError:
                raise DomainError("email_invalid") from None
        return text


class Date(Widget):
    """A day as 2026-04-30; nothing else, because 04/05/2026 means two days."""

    repeats = True

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> dt.date | None:
        text = _stripped(value)
        if not text:
            return None
        try:
            return dt.date.fromisoformat(text.removesuffix("T00:00:00").removesuffix(" 00:00:00"))
        except ValueError:
            raise invalid(value) from None


class Cents(Widget):
    """A whole number of cents, above zero; empty is None."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        text = _stripped(value)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise invalid(text)
        return int(text)


class ScopedReference(Widget):
    """A related row in sight of the importing person, told by the unique column `by`.

    A row out of sight is refused with the same words as one that does not exist.
    """

    repeats = True

    def __init__(self, model: type[models.Model], by: str) -> None:
        super().__init__()
        self.model = model
        self.by = by

    def rows(self, actor: Actor) -> models.QuerySet:
        """The rows that may be named; narrow it in a subclass."""
        manager: Any = self.model._default_manager
        return manager.visible_to(actor)

    def clean(
        self, value: Any, row: Any = None, *, actor: Actor, known: dict[str, Any] | None = None, **kwargs: Any
    ) -> models.Model | None:
        """`known` are the rows of a whole batch, from `resolve`; without it the database is asked."""
        text = _stripped(value)
        if not text:
            return None
        found = (self.resolve([text], actor) if known is None else known).get(text.casefold())
        if found is None:
            raise DomainError("import_reference_unknown", value=text[:_SHOWN])
        return found

    def resolve(self, texts: Iterable[str], actor: Actor) -> dict[str, Any]:
        """The rows in sight that any of `texts` names, by the folded text: one query for all of them."""
        wanted = {text.casefold() for text in texts}
        if not wanted:
            return {}
        named = self.rows(actor).annotate(told=Lower(Cast(self.by, models.TextField()))).filter(told__in=wanted)
        return {row.told: row for row in named}


def _stripped(value: Any) -> str:
    return "" if value is None else str(value).strip()


def invalid(value: Any) -> DomainError:
    """The refusal of a value that cannot be understood."""
    return DomainError("import_value_invalid", value=str(value)[:_SHOWN])
