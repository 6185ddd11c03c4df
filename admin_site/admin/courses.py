"""Courses as versions, and the verified time of each client: to look at, to prove, never to correct."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from unfold.decorators import display

from admin_site.actions import console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from courses.enums import CourseStatus
from courses.evidence import time_evidence
from courses.guards import gate_of
from courses.ledger import verify_ledger
from courses.models import Course, CourseSession, Lesson, TestAttempt, TimeLedgerMinute
from courses.publishing import complete_guard, publish_course
from courses.reading import lesson_html
from courses.wording import served_text, span_text
from organizations.backends import allows


@console_register(Course)
class CourseAdmin(ConsoleModelAdmin):
    list_is_short = True
    list_display = ("code", "version", "kind", status_pill, "title_en", "updated_at")
    list_filter = ("kind", "status")
    search_fields = ("code__istartswith",)
    fields = (
        "contents_link", "code", "version", "kind", "status", "pass_mark_percent", "title_en", "title_es",
        "summary_en", "summary_es",
    )  # fmt: skip
    readonly_fields = fields
    read_only = True
    empty_state = _("No courses yet. They are loaded from the course files with manage.py load_content.")

    @staticmethod
    def may(request: HttpRequest, permission: str, row: models.Model | None = None) -> bool:
        """Courses belong to no organization: whoever may view them anywhere may read each of them."""
        return allows(request.actor, permission, None if permission == "courses.view_course" else row)

    @display(description=_("contents"))
    def contents_link(self, course: Course) -> SafeString:
        return _link(reverse("admin:courses_course_contents", args=[course.pk]), _("Read the lessons and questions"))

    @post_action(
        permission="courses.publish_course",
        title=_("Publish"),
        confirm=_("New clients get this version. Clients under way stay on theirs; the version before is retired."),
        reason=True,
        states={CourseStatus.DRAFT, CourseStatus.RETIRED},
        available=complete_guard,
        icon="publish",
    )
    def publish(self, request: HttpRequest, course: Course, *, reason: str) -> Any:
        publish_course(course, reason=reason)
        return _("Published.")

    @console_view("contents/", permission="courses.view_course")
    def contents(self, request: HttpRequest, course: Course) -> HttpResponse:
        """Every lesson and question; with `?lesson=` one lesson as clients read it, in both languages."""
        if slug := request.GET.get("lesson"):
            lesson = get_object_or_404(
                Lesson.objects.select_related("chapter", "question"), chapter__course=course, slug=slug
            )
            return self._page(request, "lesson", course, {"lesson": lesson, "texts": _texts(lesson)})
        chapters = course.chapters.prefetch_related("lessons__question").order_by("position")
        tests = course.questions.filter(lesson=None).order_by("position")
        return self._page(request, "contents", course, {"chapters": chapters, "end_test": tests})

    def _page(self, request: HttpRequest, name: str, course: Course, more: dict[str, Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": str(course),
            "opts": self.model._meta,
            "course": course,
        }
        return render(request, f"console/courses/{name}.html", context | more)


def _link(url: str, text: Any) -> SafeString:
    return format_html('<a class="console-button" href="{}">{}</a>', url, text)


def _texts(lesson: Lesson) -> list[dict[str, Any]]:
    """The lesson as clients read it, once per language."""
    found = []
    for language in ("en", "es"):
        with override(language):
            found.append(
                {
                    "language": language,
                    "title": lesson.title,
                    "html": lesson_html(lesson),
                    "prompt": lesson.question.prompt,
                    "options": lesson.question.options(),
                }
            )
    return found


class MinuteInline(ConsoleTabularInline):
    model = TimeLedgerMinute
    fields = readonly_fields = ("seq", "minute", "seconds", "idle_seconds", "total_after")
    ordering = ("seq",)
    show_change_link = False


class AttemptInline(ConsoleTabularInline):
    model = TestAttempt
    fields = readonly_fields = ("number", "started_at", "submitted_at", "score_percent", "passed")
    ordering = ("number",)
    show_change_link = False


@console_register(CourseSession)
class CourseSessionAdmin(ConsoleModelAdmin):
    list_display = ("enrollment", "course", "verified", "idle", "opened_at", "last_seen_at")
    list_filter = ("course__kind", ("enrollment__provider", ScopedRelatedFilter))
    list_select_related = ("enrollment__client", "course")
    search_through = "enrollment"
    fields = (
        "enrollment", "course", "verified", "gate", "idle", "ledger", "evidence_link", "lesson", "opened_at",
        "last_seen_at", "paused_at",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (AttemptInline, MinuteInline)
    read_only = True
    empty_state = _("Nobody has begun a course yet.")

    @display(description=_("verified time"), ordering="total_seconds")
    def verified(self, session: CourseSession) -> str:
        gate = gate_of(session.enrollment, session.total_seconds)
        return served_text(gate.verified_seconds, gate.required_seconds)

    @display(description=_("idle"), ordering="idle_seconds")
    def idle(self, session: CourseSession) -> str:
        return span_text(session.idle_seconds)

    @display(description=_("time gate"))
    def gate(self, session: CourseSession) -> str:
        gate = gate_of(session.enrollment, session.total_seconds)
        if not gate.open:
            return str(
                _("closed, %(missing)s missing [%(code)s]")
                % {"missing": span_text(gate.missing_seconds), "code": gate.code}
            )
        return str(_("open by a supervisor’s reason") if gate.missing_seconds else _("open"))

    @display(description=_("time ledger"))
    def ledger(self, session: CourseSession) -> str:
        fault = verify_ledger(session)
        if fault is None:
            return str(_("intact: %(count)s entries, chain unbroken") % {"count": session.chain_length})
        return str(_("does not hold, entry %(number)s: %(what)s") % {"number": fault.seq, "what": fault.what})

    @display(description=_("evidence"))
    def evidence_link(self, session: CourseSession) -> SafeString:
        return _link(reverse("admin:courses_coursesession_evidence", args=[session.pk]), _("Download as JSON"))

    @console_view("evidence/", permission="courses.view_timeledgerminute")
    def evidence(self, request: HttpRequest, session: CourseSession) -> HttpResponse:
        """The ledger as a file that a stranger can recompute."""
        response = JsonResponse(time_evidence(session), json_dumps_params={"indent": 1})
        response["Content-Disposition"] = f'attachment; filename="time-evidence-{session.pk}.json"'
        return response


@console_register(TestAttempt)
class TestAttemptAdmin(ConsoleModelAdmin):
    list_display = ("client", "number", "score_percent", "passed", "submitted_at")
    list_filter = ("passed", ("session__enrollment__provider", ScopedRelatedFilter))
    list_select_related = ("session__enrollment__client",)
    search_through = "session__enrollment"
    fields = readonly_fields = ("session", "number", "started_at", "submitted_at", "score_percent", "passed")
    read_only = True
    empty_state = _("No test was begun yet.")

    @display(description=_("client"), ordering="session__enrollment__client__last_name")
    def client(self, attempt: TestAttempt) -> str:
        return str(attempt.session.enrollment)
