"""Talks of counselors with clients, and who waits for one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import console_view
from admin_site.base import ConsoleModelAdmin
from admin_site.counseling import queue_lines
from admin_site.register import console_register
from core.errors import DomainError
from enrollments.models import CounselorInteraction
from files.links import signed_link


@console_register(CounselorInteraction)
class CounselorInteractionAdmin(ConsoleModelAdmin):
    list_display = ("enrollment", "counselor", "method", "started_at", "ended_at", "identity_confirmed")
    list_filter = ("method", "identity_confirmed")
    list_select_related = ("enrollment__client", "counselor")
    search_through = "enrollment"
    ordering = ("-started_at", "id")
    fields = (
        "enrollment", "counselor", "method", "started_at", "ended_at", "identity_confirmed", "notes", "plan",
    )  # fmt: skip
    readonly_fields = fields
    read_only = True
    list_before_template = "console/certificates/queue_link.html"
    empty_state = _("No talks yet. Record one on the enrollment of the client you talked with.")

    @display(description=_("debt repayment plan"))
    def plan(self, talk: CounselorInteraction) -> SafeString | str:
        return format_html('<a href="{}">{}</a>', "plan/", _("Download the plan")) if talk.debt_plan_id else "–"

    @console_view("change/plan/", permission="enrollments.view_counselorinteraction")
    def download_plan(self, request: HttpRequest, talk: CounselorInteraction) -> HttpResponse:
        if talk.debt_plan is None:
            raise DomainError("not_found")
        return HttpResponseRedirect(signed_link(talk.debt_plan, request.user))  # type: ignore[arg-type]  # -- signed in

    @console_view("queue/", permission="enrollments.complete_enrollment", detail=False)
    def queue(self, request: HttpRequest) -> HttpResponse:
        """Who waits for a counselor, longest first, and what is still missing for each."""
        shared = {**self.admin_site.each_context(request), "title": _("Who waits for a counselor"), "opts": self.opts}
        return render(request, "console/certificates/queue.html", shared | {"lines": queue_lines(request)})
