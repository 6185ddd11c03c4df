"""What the pages of the course player share: whose course it is, the meter, the places, the way on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.sessions.models import Session
from django.http import Http404, HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.sessions import seconds_left
from core import clock
from courses.beats import give_word
from courses.gates import TimeGate
from courses.guards import gate_of
from courses.models import CourseSession
from courses.queries import Outline, Place, outline
from courses.services import PING_SECONDS
from courses.wording import left_text, served_text
from enrollments.enums import FINISHED, EnrollmentStatus
from enrollments.models import Enrollment
from organizations.models import ProviderProfile
from website.components import Crumb
from website.context_processors import HelpContact
from website.pages import localized

QUIET_SECONDS = 90
READABLE = frozenset({EnrollmentStatus.IN_PROGRESS, EnrollmentStatus.REVIEW, *FINISHED})


@dataclass(frozen=True, slots=True)
class Meter:
    """Verified time as number, bar and text."""

    seconds: int
    required: int
    shown: str
    text: str

    @property
    def value(self) -> int:
        return min(self.seconds, self.required)


@dataclass(frozen=True, slots=True)
class Player:
    """A client's open course: rows, meter and way, read once per request."""

    enrollment: Enrollment
    session: CourseSession
    way: Outline

    @property
    def is_studying(self) -> bool:
        return self.enrollment.status == EnrollmentStatus.IN_PROGRESS

    @property
    def is_paused(self) -> bool:
        return self.is_studying and self.session.paused_at is not None

    @property
    def meter(self) -> Meter:
        return meter_of(gate_of(self.enrollment, self.session.total_seconds))

    @property
    def place(self) -> Place | None:
        """Where the person goes on: the lesson looked at last while it is unfinished, else the first unfinished one."""
        last = self.way.at(self.session.lesson_id)
        return last if last and last.state == "current" else self.way.current


def meter_of(gate: TimeGate) -> Meter:
    """The meter in the reader's language."""
    return Meter(
        seconds=gate.verified_seconds,
        required=gate.required_seconds,
        shown=served_text(gate.verified_seconds, gate.required_seconds),
        text=left_text(0 if gate.open else gate.missing_seconds),
    )


def own_enrollment(request: Any, pk: UUID) -> Enrollment | None:
    """The signed-in client's own enrollment; someone else's is as absent as none."""
    rows = Enrollment.objects.visible_to(request.actor).filter(client__user=request.user)
    return rows.select_related("client", "provider").filter(pk=pk).first()


def open_player(request: HttpRequest, pk: UUID) -> Player | None:
    """The course of the client's own enrollment; None before it was begun or once it was cancelled. Http404 for a
    foreign or absent enrollment."""
    enrollment = own_enrollment(request, pk)
    if enrollment is None:
        raise Http404
    session = CourseSession.objects.filter(enrollment=enrollment).select_related("course").first()
    if session is None or enrollment.status not in READABLE:
        return None
    return Player(enrollment, session, outline(session))


def course_url(name: str, enrollment: Enrollment, *more: str) -> str:
    """The address of one of the player's pages in the reader's language."""
    return reverse(f"website:course_{name}", args=[enrollment.pk, *more])


def overview_url(pk: UUID) -> str:
    """The person's one page about the enrollment."""
    return localized(f"course/{pk}")


def lesson_url(enrollment: Enrollment, place: Place) -> str:
    return course_url("lesson", enrollment, place.chapter.slug, place.lesson.slug)


def way_on(player: Player) -> str:
    """The address at which the person goes on: a lesson, or the table of contents when all are done."""
    if player.place is None:
        return course_url("study", player.enrollment)
    return lesson_url(player.enrollment, player.place)


def frame(request: HttpRequest, player: Player, *crumbs: Crumb, lesson: str = "") -> dict[str, Any]:
    """The context every page of the player needs; `crumbs` come after the way to the course."""
    is_running = player.is_studying and not player.is_paused
    trail = [Crumb(_("Your steps"), overview_url(player.enrollment.pk))]
    if crumbs:
        trail.append(Crumb(_("Lessons"), course_url("study", player.enrollment)))
    return {
        "player": player,
        "enrollment": player.enrollment,
        "course": player.session.course,
        "meter": player.meter,
        "crumbs": [*trail, *(crumbs or [Crumb(_("Lessons"))])],
        "help_contact": provider_help(player.enrollment),
        "heartbeat": heartbeat_settings(request, player.enrollment, lesson) if is_running else None,
    }


def heartbeat_settings(request: Any, enrollment: Enrollment, lesson: str) -> dict[str, Any]:
    """What the heartbeat of a page is told. Staff get no word for the short way: more is asked of their sessions."""
    left = signed_in_seconds(request)
    until = clock.now() + dt.timedelta(seconds=seconds_left(request.session, request.actor))
    plain = not request.actor.platform_role and not request.actor.organization_ids
    return {
        "url": reverse("heartbeat"),
        "token": get_token(request),
        "lesson": lesson,
        "every": PING_SECONDS,
        "quiet": QUIET_SECONDS,
        "left": left,
        "word": give_word(enrollment, request.user, request.session.session_key, until) if plain else "",
    }


def signed_in_seconds(request: HttpRequest) -> int:
    """How long the person stays signed in if nothing more happens; 0 when the session is gone."""
    expires = Session.objects.filter(pk=request.session.session_key).values_list("expire_date", flat=True).first()
    return max(0, int((expires - clock.now()).total_seconds())) if expires else 0


def provider_help(enrollment: Enrollment) -> HelpContact | None:
    """Whom to ask: the provider, as its profile tells; None leaves the site's own contact."""
    profile = ProviderProfile.objects.filter(organization=enrollment.provider_id).first()
    if profile is None or not profile.help_phone:
        return None
    return HelpContact(phone=profile.help_phone, hours=profile.help_hours, email=enrollment.provider.email)
