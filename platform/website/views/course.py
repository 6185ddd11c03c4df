"""The course player: table of contents, lessons, pause, and the way to the counselor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError
from courses.guards import why_blocked
from courses.models import Lesson
from courses.queries import Place, has_passed, last_result, needs_contact
from courses.reading import lesson_html
from courses.services import answer_check, begin_course, pause_course, resume_course, submit_for_review
from website.components import Crumb
from website.course_player import (
    Player,
    course_url,
    frame,
    lesson_url,
    open_player,
    overview_url,
    own_enrollment,
    way_on,
)
from website.forms.course import Asked, whole_number


@require_POST
@login_required
def begin(request: Any, pk: UUID) -> HttpResponse:
    """Begin the course, or come back to it, and go to the table of contents."""
    enrollment = own_enrollment(request, pk)
    if enrollment is None:
        raise Http404
    begin_course(enrollment, request.user)
    return redirect(course_url("study", enrollment))


@require_safe
@login_required
@never_cache
def study(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The table of contents with progress, what is missing, and the next step."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    return _study_page(request, player)


def _study_page(request: HttpRequest, player: Player, *, status: int = 200) -> HttpResponse:
    parts = [
        (part, [(place, lesson_url(player.enrollment, place)) for place in part.places]) for part in player.way.parts
    ]
    context = frame(request, player) | {
        "parts": parts,
        "resume_url": way_on(player),
        "result": last_result(player.session),
        "has_passed": has_passed(player.session),
        "needs_contact": needs_contact(player.session),
        "refusals": why_blocked(player.enrollment) if player.is_studying else [],
    }
    return render(request, "website/course/study.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def lesson(request: HttpRequest, pk: UUID, chapter: str, slug: str) -> HttpResponse:
    """A lesson with its check question; a POST answers it."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    place = player.way.find(chapter, slug)
    if place is None:
        raise Http404
    if not place.is_open:
        messages.info(request, str(DomainError("lesson_locked")))
        return redirect(way_on(player))
    if player.is_paused:
        return redirect(course_url("pause", player.enrollment))
    if request.method == "POST":
        return _answer(request, player, place)
    return _lesson_page(request, player, place)


def _answer(request: HttpRequest, player: Player, place: Place) -> HttpResponse:
    full = Lesson.objects.select_related("question").get(pk=place.lesson.pk)
    try:
        answer_check(player.enrollment, full, whole_number(request.POST.get("choice")))
    except DomainError as refusal:
        if refusal.code != "answer_missing":
            raise
        return _lesson_page(request, player, place, refusal=refusal, status=422)
    return redirect(f"{lesson_url(player.enrollment, place)}#answer")


def _lesson_page(
    request: HttpRequest, player: Player, place: Place, *, refusal: DomainError | None = None, status: int = 200
) -> HttpResponse:
    full = Lesson.objects.select_related("question").get(pk=place.lesson.pk)
    chosen = place.progress.chosen if place.progress else None
    before, after = player.way.neighbour(place, -1), player.way.neighbour(place, 1)
    context = frame(request, player, Crumb(full.title), lesson=str(full.pk)) | {
        "place": place,
        "lesson": full,
        "html": lesson_html(full),
        "asked": Asked(full.question, place.number, full.question.options(), chosen),
        "refusal": refusal,
        "before": before and (before, lesson_url(player.enrollment, before)),
        "after": after and (after, lesson_url(player.enrollment, after)),
        "chapter_number": place.chapter.position,
        "chapter_count": len(player.way.parts),
        "lesson_count": len(player.way.places),
    }
    return render(request, "website/course/lesson.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop the clock, and say plainly that it stands."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    if request.method == "POST":
        pause_course(player.enrollment)
        return redirect(course_url("pause", player.enrollment))
    if not player.is_paused:
        return redirect(course_url("study", player.enrollment))
    return render(request, "website/course/pause.html", frame(request, player, Crumb(_("Pause"))))


@require_POST
@login_required
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Start the clock again and go to the place left."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    resume_course(player.enrollment)
    return redirect(way_on(player))


@require_POST
@login_required
def submit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send the enrollment to the counselor, or show what is still missing, with numbers."""
    player = open_player(request, pk)
    if player is None:
        return redirect(overview_url(pk))
    try:
        submit_for_review(player.enrollment)
    except DomainError as refusal:
        if refusal.code == "transition_not_allowed":
            raise
        return _study_page(request, player, status=refusal.status)
    messages.success(request, _("Sent. A counselor looks at your course next; you hear from us."))
    return redirect(overview_url(player.enrollment.pk))
