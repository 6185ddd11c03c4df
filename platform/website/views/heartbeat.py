"""The heartbeat of the course player: the page says that someone is here, the server decides what counts."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core.errors import DomainError
from core.limits import hit
from courses.gates import TimeGate
from courses.guards import gate_of
from courses.models import CourseSession
from courses.services import beat, open_lesson
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from website.course_player import meter_of, own_enrollment, signed_in_seconds

MOST_PER_MINUTE = 60
RENEW_AFTER = 60 * 60


@require_POST
@never_cache
def heartbeat(request: Any) -> JsonResponse:
    """Judge the time since the last heartbeat and answer with the totals.

    Body: `{"enrollment": id}`, optionally `lesson` (id of the lesson on the screen) and `language`. Anything else in
    it, clocks and sums included, is ignored. 401 signed out, 404 foreign or absent, 409 not begun, 429 too often.
    """
    if not request.user.is_authenticated:
        raise DomainError("signed_out")
    hit("course_heartbeat", str(request.user.pk), limit=MOST_PER_MINUTE, seconds=60)
    body = _body(request)
    enrollment = own_enrollment(request, pk) if (pk := uuid_in(body.get("enrollment"))) else None
    if enrollment is None:
        raise DomainError("not_found")
    session = beat(enrollment)
    if lesson := uuid_in(body.get("lesson")):
        open_lesson(enrollment, lesson)
    language = body.get("language")
    gate, state = gate_of(enrollment, session.total_seconds), _state(enrollment, session)
    was_idle = session.open_idle_seconds > 0 and session.open_seconds == 0
    with override(language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE):
        answer = answer_to(str(enrollment.pk), gate, state, session.idle_seconds, was_idle=was_idle)
        return JsonResponse(answer | {"signed_in_seconds": _stay_signed_in(request)})


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise DomainError("heartbeat_unreadable")
    return body


def uuid_in(text: object) -> UUID | None:
    """The id that a field of the body holds, if it is one."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def answer_to(enrollment: str, gate: TimeGate, state: str, idle_seconds: int, *, was_idle: bool) -> dict[str, Any]:
    """The totals, as numbers and as the reader sees them. `state` is counting, paused or closed."""
    meter = meter_of(gate)
    return {
        "enrollment": enrollment,
        "state": state,
        "total_seconds": gate.verified_seconds,
        "required_seconds": gate.required_seconds,
        "missing_seconds": gate.missing_seconds,
        "idle_seconds": idle_seconds,
        "was_idle": was_idle,
        "code": gate.code,
        "shown": meter.shown,
        "text": meter.text,
        "why": _why_not(state),
    }


def _state(enrollment: Enrollment, session: CourseSession) -> str:
    if enrollment.status != EnrollmentStatus.IN_PROGRESS:
        return "closed"
    return "paused" if session.paused_at else "counting"


def _why_not(state: str) -> str:
    if state == "paused":
        return _("The course is paused. Time is not counted until you go on.")
    if state == "closed":
        return _("This course is finished. Time is not counted any more.")
    return ""


def _stay_signed_in(request: HttpRequest) -> int:
    """Whoever studies stays signed in: the session is renewed once an hour. Returns the seconds it lasts."""
    left = signed_in_seconds(request)
    if left < settings.SESSION_COOKIE_AGE - RENEW_AFTER:
        request.session.modified = True
        return settings.SESSION_COOKIE_AGE
    return left
