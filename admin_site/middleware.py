"""What the console's pages may do beyond the public site's policy, and the record of what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase

from audit.models import Level
from audit.services import note
from core.context import acting

CONSOLE = "/console/"
# Alpine evaluates its attributes, and unfold writes colours and widths as inline styles.
ADDITIONS = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
_REFUSED = frozenset({403, 404})
log = structlog.get_logger("certaos.console")


class ConsolePolicyMiddleware:
    """Loosens the content security policy under the console only; stands inside the policy's own middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: Any = self.get_response(request)
        if request.path.startswith(CONSOLE):
            response._csp_update = ADDITIONS
        return response


class DenialMiddleware:
    """Keeps a system event of every 403 and 404 that a signed-in person gets in the console.

    Stands outside the context middleware, so the event is written after the request's transaction has ended, whatever
    became of it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        actor = getattr(request, "actor", None)
        refused = response.status_code in _REFUSED and request.path.startswith(CONSOLE)
        if refused and actor is not None and actor.user_id and not settings.DB_READ_ONLY:
            self._keep(request, response.status_code)
        return response

    @staticmethod
    def _keep(request: Any, status: int) -> None:
        try:
            with acting(request.actor):
                note(
                    "console.denied",
                    f"{status} {request.method} {request.path}",
                    level=Level.WARNING,
                    status=status,
                    method=request.method,
                    path=request.path[:300],
                    user=request.actor.user_id,
                )
        except DatabaseError:
            log.exception("denial not recorded", status=status, path=request.path)
