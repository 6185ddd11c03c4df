"""What a failure may say where people read it: kind and gist, no secrets, no personal data."""

from __future__ import annotations

import re
import traceback

from django.db import Error as DatabaseError

from core.errors import DomainError

LONGEST = 500
_HIDDEN = (
    (re.compile(r"(\w+://)[^\s/@]+@"), r"\1[credentials]@"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?i)\b((?:api[_-]?key|token|password|secret|authorization)\s*[=:]\s*)\S+"), r"\1[secret]"),
    (re.compile(r"\b\d{3}-\d{2}-\d{4}\b"), "[number]"),
    (re.compile(r"\b(?![0-9a-f]{8}-)(?=\w*\d)(?=\w*[A-Za-z])\w{24,}\b"), "[secret]"),
)
_CONTROL = dict.fromkeys([*range(32), *range(127, 160)], " ")


def describe(error: BaseException) -> str:
    """One line about `error`. The database's own details name values of rows, so only its first line is kept."""
    if isinstance(error, DomainError):
        return f"{error.code}: {error}"[:LONGEST]
    text = str(error)
    if isinstance(error, DatabaseError):
        text = text.partition("\n")[0]
    return f"{type(error).__name__}: {clean(text)}".rstrip(": ")[:LONGEST]


def clean(text: str) -> str:
    """`text` without control characters, addresses, credentials and number-like secrets."""
    text = " ".join(text.translate(_CONTROL).split())
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text[:LONGEST]


def frames(error: BaseException, *, most: int = 8) -> list[str]:
    """Where it happened, innermost last: file, line and function, never a value."""
    trace = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in trace[-most:]]
