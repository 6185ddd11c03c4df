"""What counselors do with an enrollment: the dialogs, and the list of who waits.

@console_register(Enrollment)
class EnrollmentAdmin(CounselingActions, ...): ...
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from admin_site.actions import ActionForm, post_action
from certificates.guards import completion_guard
from certificates.queries import counselor_queue
from certificates.services.completion import complete_enrollment, record_interaction, return_to_client
from certificates.services.issuing import issue_certificate
from core import clock
from core.errors import DomainError
from courses.guards import gate_of, time_refusal
from courses.wording import served_text
from enrollments.enums import EnrollmentStatus, InteractionMethod
from enrollments.models import Enrollment
from providers.districts import find
from providers.enums import CourseKind

MOMENT = "%Y-%m-%dT%H:%M"
USUAL = dt.timedelta(minutes=15)
SHOWN = 100


def _moment(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"})
    return forms.DateTimeField(label=label, input_formats=[MOMENT, f"{MOMENT}:%S"], widget=widget)


class InteractionForm(ActionForm):
    """A talk with the client. Times are typed and read on the clock of the client's court."""

    method = forms.ChoiceField(label=_("How you spoke"), choices=InteractionMethod)
    started_at = _moment(_("It began"))
    ended_at = _moment(_("It ended"))
    identity_confirmed = forms.BooleanField(
        required=False,
        label=_("I asked for identification again, and it fitted"),
        help_text=_("Ask for the birth date and the last four digits of the SSN. Without it the talk does not count."),
    )
    notes = forms.CharField(required=False, label=_("Notes"), widget=forms.Textarea(attrs={"rows": 3}), max_length=5000)
    debt_plan = forms.FileField(
        required=False,
        label=_("Debt repayment plan (PDF), if one was prepared"),
        help_text=_("It goes to the client together with the certificate."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = find(self.row.district_id).zone if self.row is not None else clock.UTC
        now = clock.now().astimezone(self.zone).replace(second=0, microsecond=0, tzinfo=None)
        self.fields["started_at"].initial, self.fields["ended_at"].initial = now - USUAL, now
        hint = gettext("On the court’s clock: %(zone)s.") % {"zone": str(self.zone).replace("_", " ")}
        self.fields["started_at"].help_text = hint

    def clean_started_at(self) -> dt.datetime:
        return self._on_court_clock("started_at")

    def clean_ended_at(self) -> dt.datetime:
        """People type minutes: a talk that ended in this minute ended now, not before what happened in it."""
        ended, now = self._on_court_clock("ended_at"), clock.now()
        return now if ended <= now < ended + dt.timedelta(minutes=1) else ended

    def _on_court_clock(self, name: str) -> dt.datetime:
        typed: dt.datetime = self.cleaned_data[name]
        return typed.replace(tzinfo=self.zone)

    def clean_debt_plan(self) -> bytes | None:
        sent = self.cleaned_data["debt_plan"]
        return sent.read() if sent else None


class CounselingActions:
    """Actions of an enrollment's record: talk, complete, give back, issue by hand."""

    @post_action(
        permission="enrollments.complete_enrollment",
        title=_("Record a talk"),
        confirm=_("You talked with the client in person, by phone, chat, e-mail or video. The record stays."),
        form=InteractionForm,
        states={EnrollmentStatus.REVIEW, EnrollmentStatus.IN_PROGRESS},
        icon="forum",
        row=True,
    )
    def record_talk(self, request: HttpRequest, enrollment: Enrollment, *, data: dict[str, Any]) -> Any:
        record_interaction(enrollment, request.user, **data)  # type: ignore[arg-type]  # -- signed in
        return _("The talk is on record.")

    @post_action(
        permission="enrollments.complete_enrollment",
        title=_("Complete"),
        confirm=_("You confirm that the service is complete. Your name signs the certificate."),
        states={EnrollmentStatus.REVIEW},
        available=completion_guard,
        icon="task_alt",
        row=True,
    )
    def complete(self, request: HttpRequest, enrollment: Enrollment) -> Any:
        done = complete_enrollment(enrollment, counselor=request.user)  # type: ignore[arg-type]  # -- signed in
        return _("Completed. The certificate is due on %(day)s.") % {"day": done.certificate_due}

    @post_action(
        permission="enrollments.complete_enrollment",
        title=_("Give back to the client"),
        confirm=_("The client can go on with the course. Your reason is sent to them by e-mail."),
        reason=True,
        states={EnrollmentStatus.REVIEW},
        icon="undo",
    )
    def give_back(self, request: HttpRequest, enrollment: Enrollment, *, reason: str) -> Any:
        return_to_client(enrollment, reason=reason)
        return _("The client has it back and was told why.")

    @post_action(
        permission="certificates.issue_certificate",
        title=_("Issue Certificate"),
        confirm=_("The certificate takes the next number and goes to the client by e-mail."),
        states={EnrollmentStatus.COMPLETED},
        icon="workspace_premium",
        row=True,
        bulk=True,
    )
    def issue_by_hand(self, request: HttpRequest, enrollment: Enrollment) -> Any:
        certificate = issue_certificate(enrollment)
        return _("Issued: %(number)s.") % {"number": certificate.number}


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One waiting client as the counselor's list shows them."""

    enrollment: Any
    time: str
    missing: list[DomainError]
    record_url: str
    talk_url: str
    complete_url: str

    @property
    def is_ready(self) -> bool:
        return not self.missing


def queue_lines(request: Any) -> list[QueueLine]:
    """Who waits for a counselor of this person's providers, longest first, at most SHOWN; one query."""
    return [_line(enrollment) for enrollment in counselor_queue(request.actor)[:SHOWN]]


def _line(enrollment: Any) -> QueueLine:
    gate = gate_of(enrollment, enrollment.verified_seconds)
    needs_talk = enrollment.kind == CourseKind.CC or enrollment.has_passed is False
    talk_missing = [DomainError("interaction_required")] if needs_talk and enrollment.talked_at is None else []
    refusal = time_refusal(gate)
    return QueueLine(
        enrollment,
        time=served_text(gate.verified_seconds, gate.required_seconds),
        missing=[*([refusal] if refusal else []), *talk_missing],
        record_url=reverse("admin:enrollments_enrollment_change", args=[enrollment.pk]),
        talk_url=reverse("admin:enrollments_enrollment_do_record_talk", args=[enrollment.pk]),
        complete_url=reverse("admin:enrollments_enrollment_do_complete", args=[enrollment.pk]),
    )
