"""Refusals that people can read and programs can rely on.

A room declares its errors once: stable code, sentence, the one next action, HTTP status. Page, API, console and
command line show the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from core.rules import RuleError


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error code says: a full sentence, what to do next, and the HTTP status that carries it."""

    sentence: str | Promise
    next_action: str | Promise = ""
    status: int = 409


_TEXTS: dict[str, ErrorText] = {}


def declare_errors(texts: Mapping[str, ErrorText]) -> None:
    """Add a room's codes to the contract; a code said twice is a programming error."""
    doubled = _TEXTS.keys() & texts.keys()
    if doubled:
        raise ValueError(f"Error codes declared twice: {sorted(doubled)}")
    _TEXTS.update(texts)


def declared_errors() -> Mapping[str, ErrorText]:
    return dict(_TEXTS)


class DomainError(RuleError):
    """A rule said no. `code` is the contract; the text is copy in the active language, filled from `params`."""

    def __init__(self, code: str, **params: Any) -> None:
        if code not in _TEXTS:
            raise KeyError(f"Error code {code!r} is not declared.")
        super().__init__(code)
        self.code = code
        self.params = params

    @property
    def status(self) -> int:
        return _TEXTS[self.code].status

    @property
    def sentence(self) -> str:
        return str(_TEXTS[self.code].sentence) % self.params if self.params else str(_TEXTS[self.code].sentence)

    @property
    def next_action(self) -> str:
        text = str(_TEXTS[self.code].next_action)
        return text % self.params if self.params else text

    def __str__(self) -> str:
        return " ".join(part for part in (self.sentence, self.next_action) if part)

    def as_dict(self) -> dict[str, Any]:
        """The JSON shape of a refusal."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "next_action": self.next_action,
            "numbers": {name: value for name, value in self.params.items() if isinstance(value, int | str)},
        }
