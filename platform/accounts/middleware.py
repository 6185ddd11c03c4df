"""When and from where a session was last used, for the person's own list of sessions."""

from __future__ import annotations

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core import clock

NOTED_AT = "activity_noted_at"
EVERY_SECONDS = 300


class SessionActivityMiddleware:
    """Notes the activity of a signed-in session every five minutes.

    The package's own middleware writes at every request, which makes a person's requests wait for one another.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and not settings.DB_READ_ONLY:
            now = int(clock.now().timestamp())
            if now - request.session.get(NOTED_AT, 0) >= EVERY_SECONDS:
                UserSession.objects.create_from_request(request)
                request.session[NOTED_AT] = now
        return self.get_response(request)
