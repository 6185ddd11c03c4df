"""Where an enrollment stands, as steps a person can follow: what is done, what to do next, and by when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.errors import DomainError
from enrollments.enums import FINISHED, EnrollmentStatus, PaymentLabel
from enrollments.guards import missing_details
from enrollments.models import Enrollment
from enrollments.queries import payment_label
from providers.enums import CourseKind
from website.components import Step, StepState

_AFTER_COURSE = frozenset({EnrollmentStatus.REVIEW, *FINISHED})
_CERTIFIED = frozenset({EnrollmentStatus.CERT_ISSUED, EnrollmentStatus.FILED})
_TONES: dict[str, str] = {
    EnrollmentStatus.INVITED: "info",
    EnrollmentStatus.ENROLLED: "info",
    EnrollmentStatus.IN_PROGRESS: "info",
    EnrollmentStatus.REVIEW: "warn",
    EnrollmentStatus.COMPLETED: "success",
    EnrollmentStatus.CERT_ISSUED: "success",
    EnrollmentStatus.FILED: "success",
}


@dataclass(frozen=True)
class Station:
    """One step before it is known where the person stands. `waits` steps are somebody else's turn."""

    title: str
    is_done: bool
    todo: str = ""
    waits: bool = False
    by: str = ""
    done_on: str = ""


def tone_of(enrollment: Enrollment) -> str:
    return _TONES.get(enrollment.status, "")


def steps_of(enrollment: Enrollment, *, is_free: bool = False, refusal: DomainError | None = None) -> list[Step]:
    """The steps of an enrollment from `with_standing`; `is_free` when the provider asks no fee, `refusal` when
    something outside the person's reach stands in the way now."""
    if enrollment.status == EnrollmentStatus.CANCELLED:
        return []
    steps: list[Step] = []
    is_found = False
    for station in _stations(enrollment, is_free=is_free):
        state: StepState = "done" if station.is_done else "upcoming"
        is_here = not station.is_done and not is_found
        is_found = is_found or is_here
        if is_here:
            state = "blocked" if station.waits or refusal is not None else "current"
        todo = str(refusal) if is_here and refusal is not None else station.todo
        by = station.by or (_deadline(enrollment) if is_here else "")
        steps.append(
            Step(station.title, state, todo=todo if is_here else "", by=by if is_here else "", done_on=station.done_on)
        )
    return steps


def here(steps: list[Step]) -> Step | None:
    """The step the person stands at."""
    return next((step for step in steps if step.is_here), None)


def place_among(steps: list[Step]) -> str:
    """`Step 2 of 6`; empty when nothing is left to do."""
    number = next((number for number, step in enumerate(steps, 1) if step.is_here), 0)
    return _("Step %(number)s of %(total)s") % {"number": number, "total": len(steps)} if number else ""


def _deadline(enrollment: Enrollment) -> str:
    if enrollment.kind != CourseKind.DE or enrollment.de_filing_deadline is None:
        return ""
    return _("The court needs your certificate by %(date)s.") % {"date": _day(enrollment.de_filing_deadline)}


def _day(value: dt.date | None) -> str:
    return date_format(value, "DATE_FORMAT") if value else ""


def _stations(enrollment: Enrollment, *, is_free: bool) -> Iterator[Station]:
    status = enrollment.status
    is_invited = status == EnrollmentStatus.INVITED
    yield Station(
        _("Read what you should know"),
        not is_invited or bool(enrollment.has_acknowledged),
        _("Read the disclosures of your provider and confirm that you did."),
    )
    yield Station(
        _("Tell us who you are"),
        status in _AFTER_COURSE or not missing_details(enrollment),
        _("Fill in your details. They are printed on your certificate."),
    )
    is_settled = not is_invited or is_free or payment_label(enrollment) != PaymentLabel.CLIENT_PAYS
    yield Station(
        _("Pay, or ask for a fee waiver"),
        is_settled,
        _("Pay the course fee. If you cannot pay, ask for a waiver first: you do not have to pay to ask."),
        done_on=_day(enrollment.enrolled_at),
    )
    yield Station(
        _("Take the course"),
        status in _AFTER_COURSE,
        _("Take the course in as many sittings as you like. Your place is kept.")
        if status == EnrollmentStatus.IN_PROGRESS
        else _("Begin the course when it suits you."),
        done_on=_day(enrollment.submitted_at),
    )
    yield from _last_stations(enrollment)


def _last_stations(enrollment: Enrollment) -> Iterator[Station]:
    status = enrollment.status
    is_counseling = enrollment.kind == CourseKind.CC
    yield Station(
        _("Talk with a counselor") if is_counseling else _("Your provider checks the course"),
        status in FINISHED,
        _("A counselor of your provider gets in touch by phone, chat or e-mail. The counseling is complete after that.")
        if is_counseling
        else _("Your provider looks at your course. You do not need to do anything."),
        waits=True,
        done_on=_day(enrollment.completed_at),
    )
    due = _day(enrollment.certificate_due)
    yield Station(
        _("Get your certificate"),
        status in _CERTIFIED,
        _("Your certificate is being made. It is sent to you by e-mail and stands on this page."),
        waits=True,
        by=_("You get it by %(date)s.") % {"date": due} if due else "",
    )
    if not is_counseling:
        yield Station(
            _("The court has it"),
            status == EnrollmentStatus.FILED,
            _("Your provider may tell the court for you. Ask your attorney or your provider who files it."),
            waits=True,
        )
