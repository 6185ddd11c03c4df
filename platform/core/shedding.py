"""When the database cannot serve: tell what went wrong apart, and answer so that people come back.

Unavailable is everything PostgreSQL calls an operational error: no connection, too many of them, a restart, a full
disk, a statement or a lock that took too long. A lost race (deadlock, serialization failure) is tried again first.
"""

from __future__ import annotations

import errno

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from core.refusals import wants_json

RETRY_SECONDS = 5
RACES = frozenset({"40001", "40P01"})
FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT})


def lost_race(error: BaseException | None) -> bool:
    """Whether the database gave this transaction up in favour of another one, so that trying again is right."""
    return getattr(getattr(error, "__cause__", None), "sqlstate", None) in RACES


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the request failed because database or disk cannot serve now, and not because of a mistake."""
    if isinstance(error, OSError):
        return error.errno in FULL_DISK
    return isinstance(error, OperationalError | InterfaceError)


def unavailable_response(request: HttpRequest) -> HttpResponse:
    """503 with Retry-After: JSON for programs, a page in both languages for people. Needs no database."""
    if wants_json(request):
        text = {
            "code": "unavailable",
            "sentence": _("The service cannot answer just now. Nothing was saved."),
            "next_action": _("Try again in a moment."),
        }
        response: HttpResponse = JsonResponse({"error": text}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
