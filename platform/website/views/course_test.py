"""The end test: begin, answer as you go, check, hand in, look at the result."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.errors import DomainError
from core.refusals import wants_json
from courses.models import TestAttempt
from courses.queries import end_test, has_passed, last_result, open_attempt
from courses.services import save_answers, start_attempt, submit_attempt
from website.components import Crumb
from website.course_player import Player, course_url, frame, open_player, overview_url
from website.forms.course import ask, sent_answers


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One address for the whole test; what it shows depends on how far the person is."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    if player.is_paused:
        return redirect(course_url("pause", player.enrollment))
    if request.method == "POST":
        return _ACTS.get(request.POST.get("act", ""), _save)(request, player)
    return _look(request, player)


def _look(request: HttpRequest, player: Player) -> HttpResponse:
    attempt = open_attempt(player.session) if player.is_studying else None
    if attempt is not None:
        return _page(request, player, "check" if request.GET.get("step") == "check" else "questions", attempt)
    result = last_result(player.session)
    if result is not None:
        return _page(request, player, "result", result)
    if not player.is_studying or not player.way.is_done:
        messages.info(request, _("The test opens after the last lesson."))
        return redirect(course_url("study", player.enrollment))
    return render(request, "website/course/test_start.html", _context(request, player))


def _context(request: HttpRequest, player: Player) -> dict[str, object]:
    questions = end_test(player.session)
    return frame(request, player, Crumb(_("Test"))) | {"question_count": len(questions)}


def _page(request: HttpRequest, player: Player, name: str, attempt: TestAttempt) -> HttpResponse:
    asked = ask(end_test(player.session), attempt)
    context = _context(request, player) | {
        "attempt": attempt,
        "asked": asked,
        "unanswered": [item for item in asked if item.choice is None],
        "answered": sum(item.choice is not None for item in asked),
        "has_passed": has_passed(player.session),
    }
    return render(request, f"website/course/test_{name}.html", context)


def _start(request: HttpRequest, player: Player) -> HttpResponse:
    start_attempt(player.enrollment)
    return redirect(course_url("test", player.enrollment))


def _keep(request: HttpRequest, player: Player) -> TestAttempt:
    return save_answers(player.enrollment, sent_answers(request.POST, end_test(player.session)))


def _save(request: HttpRequest, player: Player) -> HttpResponse:
    attempt = _keep(request, player)
    if wants_json(request):
        return JsonResponse({"answered": len(attempt.answers)})
    messages.success(request, _("Your answers are saved. You can go on at any time, on any device."))
    return redirect(course_url("test", player.enrollment))


def _check(request: HttpRequest, player: Player) -> HttpResponse:
    _keep(request, player)
    return redirect(f"{course_url('test', player.enrollment)}?step=check")


def _submit(request: HttpRequest, player: Player) -> HttpResponse:
    try:
        submit_attempt(player.enrollment)
    except DomainError as refusal:
        if refusal.code != "attempt_closed":
            raise
    return redirect(course_url("test", player.enrollment))


_ACTS: dict[str, Callable[[HttpRequest, Player], HttpResponse]] = {
    "start": _start,
    "save": _save,
    "check": _check,
    "submit": _submit,
}
