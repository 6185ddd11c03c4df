"""The usual heartbeat, answered before sessions, people and rights are read one by one."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.translation import override

from core import clock
from courses.beats import quick_beat
from website.views.heartbeat import answer_to, uuid_in

PATH = "/api/course/heartbeat"
LARGEST_BODY = 4096


class QuickHeartbeatMiddleware:
    """Answers a heartbeat that carries the signed word of its page in one statement; everything unusual goes the long
    way. The word in a header of our own is what a form of another site cannot send, so no other token is asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == PATH and request.method == "POST" and not settings.DB_READ_ONLY:
            response = self._answer(request)
            if response is not None:
                return response
        return self.get_response(request)

    @staticmethod
    def _answer(request: HttpRequest) -> JsonResponse | None:
        word = request.headers.get("X-Course-Word", "")
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not word or not key or int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
            return None
        try:
            body = json.loads(request.body)
        except ValueError:
            return None
        if not isinstance(body, dict):
            return None
        beat = quick_beat(word, key, uuid_in(body.get("lesson")))
        if beat is None or body.get("enrollment") != str(beat.enrollment.pk):
            return None
        language = body.get("language")
        with override(language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE):
            left = int((beat.signed_in_until - clock.now()).total_seconds())
            answer = answer_to(beat.enrollment, beat.session) | {"signed_in_seconds": left}
        response = JsonResponse(answer, headers={"Cache-Control": "no-store, private"})
        response["Content-Length"] = str(len(response.content))
        return response
