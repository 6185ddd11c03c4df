"""Names of languages as readers of another language write them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from babel import Locale
from babel.lists import format_list


@cache
def _codes() -> dict[str, str]:
    return {name.casefold(): code for code, name in Locale("en").languages.items()}


def language_name(name: str, reader: str) -> str:
    """`Spanish` → `español` for a Spanish reader; a name Babel does not know stays as it is."""
    code = _codes().get(name.strip().casefold())
    return Locale(reader).languages.get(code, name) if code else name


def language_list(names: Iterable[str], reader: str) -> str:
    """`English and Spanish`, `inglés y español`: the names joined as a sentence of the reader's language has it."""
    return format_list([language_name(name, reader) for name in names], locale=reader)
