"""The middlewares that give a request its correlation id and its context."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_cache_control

from core.apps import core_config
from core.context import ANONYMOUS, Actor, Kind, acting, switch_actor
from core.correlation import correlated, new_correlation_id
from core.errors import DomainError
from core.refusals import refusal_response
from core.shedding import lost_race, unavailable_response

READ_ONLY_TRANSACTION = "25006"  # PostgreSQL's code for a write in a read-only transaction
MOST_TRIES = 6
GetResponse = Callable[[HttpRequest], HttpResponseBase]
log = structlog.get_logger("certaos.request")


class CorrelationMiddleware:
    """Run the request under one id, taken from X-Request-ID when it is harmless, and answer with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with correlated(new_correlation_id(request.META.get("HTTP_X_REQUEST_ID", ""))) as identifier:
            response = self.get_response(request)
            response["X-Request-ID"] = identifier
            log.info("request", method=request.method, path=request.path, status=response.status_code)
            return response


class PrivateAnswerMiddleware:
    """No cache keeps what was answered to a session: neither a shared one, nor the browser's own after sign-out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES or settings.SESSION_COOKIE_NAME in response.cookies:
            patch_cache_control(response, no_store=True, private=True)
        return response


class ContextMiddleware:
    """Open the request's transaction and tell the database who acts.

    ATOMIC_REQUESTS would open it inside the view, after middleware, so it is opened here. An answer of 500 and above
    rolls everything back. The session names the user; memberships and grants are read afresh on every request, so a
    lost right is gone at the next one. A session older than the user's generation is ended.

    A request that lost a race for locks is rolled back and answered anew, up to five times; after that it is shed.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        for left in reversed(range(MOST_TRIES)):
            request.lost_race = False
            try:
                response = self._answer(request)
            except OperationalError as error:  # the commit itself lost
                if not lost_race(error):
                    raise
                request.lost_race = True
            if not request.lost_race:
                return response
            if left:
                log.info("request tried again", path=request.path)
                _make_fresh(request)
                time.sleep((MOST_TRIES - left) * random.uniform(0.01, 0.04))  # noqa: S311 -- spreads two that met, guards nothing
        return unavailable_response(request)

    def _answer(self, request: Any) -> HttpResponseBase:
        user_id = request.session.get(SESSION_KEY)
        first = Actor(kind=Kind.PERSON, user_id=user_id) if user_id else ANONYMOUS
        with acting(first, read_only=settings.DB_READ_ONLY):
            actor = core_config().actor_of(request) if user_id else ANONYMOUS
            self._become(request, actor)
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    def process_view(self, request: Any, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Sign-in pages read users before anyone is known: they, and only they, run in the `auth` scope."""
        if getattr(view, "__module__", "").startswith("allauth.") or getattr(view, "signs_in", False):
            self._become(request, replace(request.actor, kind=Kind.AUTH))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A refused rule undoes the request and is answered with its own status; so is a write during maintenance."""
        if isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", "") == READ_ONLY_TRANSACTION:
            error = DomainError("read_only")
        if lost_race(error):
            request.lost_race = True  # type: ignore[attr-defined]  # -- read in __call__
            transaction.set_rollback(True)
            return HttpResponse(status=503)
        if not isinstance(error, DomainError):
            return None
        transaction.set_rollback(True)
        return refusal_response(request, error)

    @staticmethod
    def _become(request: Any, actor: Actor) -> None:
        request.actor = actor
        switch_actor(actor)


def _make_fresh(request: Any) -> None:
    """Undo what the first try left on the request: session, user, read files."""
    request.session = type(request.session)(request.session.session_key)
    for name in ("_cached_user", "_acached_user", "_messages"):
        request.__dict__.pop(name, None)
    for file in request.FILES.values():
        file.seek(0)
