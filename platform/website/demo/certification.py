"""The last part of a client's way: the counselor, the certificate, the court."""

from __future__ import annotations

import datetime as dt
import io

from reportlab.pdfgen.canvas import Canvas

from certificates.models import Certificate, CourtFiling
from certificates.services.changes import replace_certificate, revoke_certificate
from certificates.services.completion import complete_enrollment, record_interaction
from certificates.services.filing import mark_filed
from certificates.services.release import release_to_firm
from enrollments.enums import InteractionMethod
from enrollments.models import Enrollment
from website.demo.journey import Journey
from website.demo.stage import step


def complete(journey: Journey) -> None:
    """Talk, complete; where numbers are simulated the worker issues the certificate a moment later."""
    ended = journey.wait_for_office(15)
    with step(ended, journey.counselor):
        record_interaction(
            journey.fresh(),
            journey.counselor,
            method=InteractionMethod.PHONE,
            started_at=ended - dt.timedelta(minutes=24),
            ended_at=ended,
            identity_confirmed=True,
            notes="Went through the budget. The client knows the choices besides bankruptcy.",
        )
    with step(journey.wait_for_office(0.1), journey.counselor):
        complete_enrollment(journey.fresh())


def _certificate(journey: Journey) -> Certificate:
    return Certificate.objects.valid().get(enrollment=journey.enrollment)


def after_issue(journey: Journey) -> None:
    facts = journey.facts
    if facts.get("released"):
        user = journey.user
        with step(journey.wait(2), user):
            release_to_firm(
                journey.enrollment,
                journey.cast.places[facts["firm"]],
                user,
                statement="Send my certificate to Okafor & Reyes.",
            )
    if "replaced" in facts:
        with step(journey.wait_for_office(30), journey.admin):
            replace_certificate(_certificate(journey), **facts["replaced"])
    if "revoked" in facts:
        with step(journey.wait_for_office(40), journey.admin):
            revoke_certificate(_certificate(journey), reason=facts["revoked"])


def file(journey: Journey) -> None:
    with step(journey.wait_for_office(26), journey.admin):
        filing = CourtFiling.objects.get(enrollment=journey.enrollment)
        mark_filed(
            filing,
            filed_on=journey.clock.date(),
            docket_number=journey.facts["docket_number"],
            evidence=_notice(journey.fresh()),
        )


def _notice(enrollment: Enrollment) -> bytes:
    """What a court sends back: a page that says the certificate was filed."""
    page = io.BytesIO()
    canvas = Canvas(page, invariant=1)
    canvas.drawString(72, 720, "NOTICE OF ELECTRONIC FILING (demonstration, not from a court)")
    canvas.drawString(72, 690, f"{enrollment.district.name}   Case {enrollment.case_number}")
    canvas.drawString(72, 670, "Debtor education certificate")
    canvas.save()
    return page.getvalue()
