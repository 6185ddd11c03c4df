"""One id that ties request, job, delivery and evidence together."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_current: ContextVar[str] = ContextVar("certaos_correlation_id", default="")
_ACCEPTED = re.compile(r"[A-Za-z0-9-]{8,64}")


def correlation_id() -> str:
    """The id of the running request or job; empty outside of both."""
    return _current.get()


def new_correlation_id(offered: str = "") -> str:
    """`offered` when it is a harmless token of 8 to 64 characters, otherwise a fresh one."""
    return offered if _ACCEPTED.fullmatch(offered) else uuid.uuid4().hex


@contextmanager
def correlated(identifier: str) -> Iterator[str]:
    """Run the block under `identifier`, in logs too."""
    token = _current.set(identifier)
    try:
        with structlog.contextvars.bound_contextvars(correlation_id=identifier):
            yield identifier
    finally:
        _current.reset(token)
