"""The web with one mistake in it, for controls: gunicorn is told `tests.torture.sabotaged:NAME()`."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def without_shedding() -> Any:
    """An unreachable database is an error like any other."""
    application = import_module("config.wsgi").application
    vars(import_module("website.views.errors"))["is_unavailable"] = lambda _error: False
    return application
