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
from core.errors import DomainError
from core.limits import hit

CONSOLE = "/console/"
NOTES_A_MINUTE = 120
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
    """Keeps a system event of every 403 and 404 that a signed-in person gets in the console, and on the site for an
    address that names a single record or holds a token.

    Stands outside the context middleware, so the event is written after the request's transaction has ended, whatever
    became of it. At most NOTES_A_MINUTE for each person: nobody fills the table by asking.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        actor = getattr(request, "actor", None)
        refused = response.status_code in _REFUSED and _place(request)
        if refused and actor is not None and actor.user_id and not settings.DB_READ_ONLY:
            self._keep(request, response.status_code)
        return response

    @staticmethod
    def _keep(request: Any, status: int) -> None:
        try:
            hit("denied", str(request.actor.user_id), limit=NOTES_A_MINUTE, seconds=60)
            with acting(request.actor):
                note(
                    f"{_place(request)}.denied",
                    f"{status} {request.method} {request.path}",
                    level=Level.WARNING,
                    status=status,
                    method=request.method,
                    path=request.path[:300],
                    user=request.actor.user_id,
                )
        except DomainError:
            log.warning("denials too many to record", user=str(request.actor.user_id), path=request.path)
        except DatabaseError:
            log.exception("denial not recorded", status=status, path=request.path)


def _place(request: HttpRequest) -> str:
    """Where a refusal is worth a record; empty elsewhere."""
    if request.path.startswith(CONSOLE):
        return "console"
    named = request.resolver_match.kwargs if request.resolver_match else {}
    return "site" if {"pk", "token"} & set(named) else ""
