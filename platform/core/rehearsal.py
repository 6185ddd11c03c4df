"""Whether what runs now is only rehearsed: done in a transaction that is rolled back, with the outside world shut.

While a rehearsal runs, this process opens no network connection, starts no program and writes no file; whoever tries
is stopped with `StaysInside`. A PostgreSQL connection that is already open is not touched by this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_wishes: ContextVar[list[str] | None] = ContextVar("certaos_rehearsal", default=None)
_REACHING_OUT = frozenset({"socket.connect", "socket.sendto", "socket.getaddrinfo", "subprocess.Popen", "os.system"})
_CHANGING_FILES = frozenset({"os.remove", "os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_hooked = False


class StaysInside(Exception):
    """A rehearsed task wanted something from the outside world. It would get it in a real run."""


def rehearsing() -> bool:
    """Whether a rehearsal runs in this context."""
    return _wishes.get() is not None


@contextmanager
def rehearsal() -> Iterator[list[str]]:
    """Shut the outside world for the block; yields the list of what was wanted from it."""
    _hook()
    wishes: list[str] = []
    token = _wishes.set(wishes)
    try:
        yield wishes
    finally:
        _wishes.reset(token)


def _hook() -> None:
    """Python has no way to take an audit hook away again, so there is one per process, and it asks the context."""
    global _hooked  # noqa: PLW0603 -- once per process
    if not _hooked:
        sys.addaudithook(_judge)
        _hooked = True


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _REACHING_OUT and event not in _CHANGING_FILES and event != "open":
        return
    wishes = _wishes.get()
    if wishes is None or (event == "open" and not _writes(arguments)):
        return
    wish = _named(event, arguments)
    wishes.append(wish)
    raise StaysInside(wish)


def _writes(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & _WRITING)


def _named(event: str, arguments: tuple[Any, ...]) -> str:
    """What was wanted, without what would have been sent."""
    if event == "socket.connect":
        return f"connect to {arguments[1]}"
    if event == "socket.getaddrinfo":
        return f"connect to {arguments[0]}:{arguments[1]}"
    return f"{event} {arguments[0]}"[:200]
