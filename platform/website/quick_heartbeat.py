"""The usual heartbeat, answered before sessions, people and rights are read one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.translation import override

from core import clock
from courses.beats import Beat, quick_beat
from website.views.heartbeat import answer_to, uuid_in

PATH = "/api/course/heartbeat"
LARGEST_BODY = 4096
PROTECTION = (CSPMiddleware, XFrameOptionsMiddleware, SecurityMiddleware)
LANGUAGES = frozenset(code for code, _name in settings.LANGUAGES)


class QuickHeartbeatMiddleware:
    """Answers a heartbeat that carries the signed word of its page in one statement; everything unusual goes the long
    way. The word in a header of our own is what a form of another site cannot send, so no other token is asked.

    It stands before the middlewares that protect an answer, so it gives its own the headers that they would.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._protect: Any = _nothing
        for middleware in PROTECTION:
            self._protect = middleware(self._protect)
        self._headers: dict[bool, dict[str, str]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == PATH and request.method == "POST" and not settings.DB_READ_ONLY:
            response = self._answer(request)
            if response is not None:
                return response
        return self.get_response(request)

    def _answer(self, request: HttpRequest) -> JsonResponse | None:
        word = request.META.get("HTTP_X_COURSE_WORD", "")
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not word or not key or int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            return None
        headers = self._protection(request)
        try:
            body = json.loads(request.body)
        except ValueError:
            return None
        if headers is None or not isinstance(body, dict):
            return None
        enrollment = str(body.get("enrollment"))
        beat = quick_beat(word, key, enrollment, uuid_in(body.get("lesson")))
        if beat is None:
            return None
        response = JsonResponse(_told(enrollment, beat, body.get("language")), headers=headers)
        response["Content-Length"] = str(len(response.content))
        return response

    def _protection(self, request: HttpRequest) -> dict[str, str] | None:
        """The headers, made once for TLS and once without; None where the request is to be sent to TLS first."""
        secure = request.is_secure()
        if secure not in self._headers:
            answer = self._protect(request)
            if answer.status_code != 200:
                return None
            kept = {name: value for name, value in answer.items() if name != "Content-Type"}
            self._headers[secure] = kept | {"Cache-Control": "no-store, private"}
        return self._headers[secure]


def _nothing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def _told(enrollment: str, beat: Beat, language: object) -> dict[str, object]:
    left = int((beat.signed_in_until - clock.now()).total_seconds())
    with override(language if isinstance(language, str) and language in LANGUAGES else settings.LANGUAGE_CODE):
        answer = answer_to(enrollment, beat.gate, "counting", beat.idle_seconds, was_idle=beat.was_idle)
    return answer | {"signed_in_seconds": left}
