"""The web with one mistake in it, for controls: gunicorn is told `tests.torture.sabotaged:NAME()`."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def without_shedding() -> Any:
    """An unreachable database is an error like any other."""
    application = import_module("config.wsgi").application
    vars(import_module("website.views.errors"))["is_unavailable"] = lambda _error: False
    return application


def without_second_tries() -> Any:
    """A lost race is the reader's trouble."""
    application = import_module("config.wsgi").application
    vars(import_module("core.middleware"))["MOST_TRIES"] = 1
    vars(import_module("core.middleware"))["unavailable_response"] = _plain_error
    return application


def _plain_error(_request: Any) -> Any:
    return import_module("django.http").HttpResponse("lost a race", status=500)
