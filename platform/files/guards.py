"""Further conditions for opening files of a kind, declared by the rooms that keep them."""

from __future__ import annotations

from collections.abc import Callable

from core.context import Actor
from files.models import StoredFile

Check = Callable[[StoredFile, Actor], bool]
_CHECKS: dict[str, Check] = {}


def guard_files(kind: str, check: Check) -> None:
    """Let files of `kind` be opened only where `check(file, actor)` says yes, beside the scope of their row."""
    _CHECKS[kind] = check


def may_open(file: StoredFile, actor: Actor) -> bool:
    """Whether the room that keeps files of this kind lets `actor` open this one now."""
    check = _CHECKS.get(file.kind)
    return check is None or check(file, actor)
