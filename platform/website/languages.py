"""Names of languages in the reader's own."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import get_language

from providers.languages import language_list, language_name


def language_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """(stored name, name for the reader), by the latter."""
    return sorted(((name, _upper_first(language_name(name, _reader()))) for name in names), key=lambda pair: pair[1])


def languages_text(names: Iterable[str]) -> str:
    """The languages of a provider as one phrase."""
    return _upper_first(language_list(names, _reader()))


def _reader() -> str:
    return (get_language() or "en").partition("-")[0]


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
