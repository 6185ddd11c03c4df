"""Clients, their enrollments, and what belongs to them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.models import User
from certificates.clocks import certificate_due
from certificates.codes import new_code
from certificates.facts import gather_facts
from certificates.models import Certificate, CgsNumber, CourtFiling, ReleaseDirection
from certificates.services.issuing import serial_name
from certificates.services.numbers import simulated_number
from core import clock
from core.sequences import next_number
from courses import ledger
from courses.models import Course, CourseSession, LessonProgress, TestAttempt, TimeLedgerMinute
from enrollments.enums import FINISHED, EnrollmentStatus, InteractionMethod
from enrollments.models import (
    Client,
    CounselorInteraction,
    DisclosureAcknowledgement,
    DisclosureSet,
    Enrollment,
    EnrollmentRequest,
    Household,
)
from organizations.models import Organization
from payments.enums import PaymentStatus
from payments.models import FeeWaiver, GatewayEvent, Payment, Refund
from proofs.enums import DifferenceKind
from proofs.models import ProofDifference, ProofRun
from providers.enums import CourseKind, DistrictApprovalStatus
from providers.models import District, DistrictApproval, ProviderApplication

COURT = "cacb"


def make_district_approval(provider: Organization, kind: str, court_id: str = COURT, **fields: Any) -> DistrictApproval:
    today = clock.today()
    defaults = {
        "status": DistrictApprovalStatus.APPROVED,
        "valid_from": today - dt.timedelta(days=100),
        "valid_to": today + dt.timedelta(days=265),
        "reference": f"EOUST-{court_id}-{kind}",
    }
    return DistrictApproval.objects.create(provider=provider, district_id=court_id, kind=kind, **defaults | fields)


def make_application(name: str = "Hopeful Counseling", **fields: Any) -> ProviderApplication:
    defaults = {
        "organization_name": name,
        "contact_name": "Pat Doe",
        "contact_email": "pat@hopeful.example",
        "kinds": [CourseKind.CC],
        "court_ids": [COURT],
        "is_nonprofit": True,
    }
    return ProviderApplication.objects.create(**defaults | fields)


def make_request(provider: Organization, **fields: Any) -> EnrollmentRequest:
    defaults = {
        "kind": CourseKind.CC, "district_id": COURT, "first_name": "Robin", "last_name": "Requester",
        "email": f"robin@{provider.slug}.example", "source_page": f"/{provider.slug}/enroll",
    }  # fmt: skip
    return EnrollmentRequest.objects.create(provider=provider, **defaults | fields)


def make_client(provider: Organization, *, user: User | None = None, **fields: Any) -> Client:
    defaults = {
        "first_name": user.first_name if user else "Casey",
        "last_name": user.last_name if user else "Client",
        "email": user.email if user else f"casey@{provider.slug}.example",
        "birth_date": "1980-02-29",
        "ssn_last4": "1234",
    }
    return Client.objects.create(provider=provider, user=user, **defaults | fields)


def make_enrollment(client: Client, kind: str = CourseKind.CC, **fields: Any) -> Enrollment:
    defaults: dict[str, Any] = {
        "district_id": COURT, "status": EnrollmentStatus.INVITED, "provider": client.provider, "firm": client.firm,
    }  # fmt: skip
    if kind == CourseKind.DE:
        defaults |= {
            "chapter": "7",
            "case_number": "26-12345",
            "first_set_341_date": clock.today() - dt.timedelta(days=10),
            "de_filing_deadline": clock.today() + dt.timedelta(days=50),
        }
    if {**defaults, **fields}["status"] in FINISHED:
        now = clock.now()
        defaults |= {"completed_at": now, "certificate_due": certificate_due(kind, now, COURT)}
    return Enrollment.objects.create(client=client, kind=kind, **defaults | fields)


def make_household(*enrollments: Enrollment) -> Household:
    household = Household.objects.create(provider=enrollments[0].provider, firm=enrollments[0].firm)
    for enrollment in enrollments:
        enrollment.household = household
        enrollment.save(update_fields=["household", "updated_at"])
    return household


def make_acknowledgement(enrollment: Enrollment, user: User) -> DisclosureAcknowledgement:
    disclosures = DisclosureSet.objects.filter(kind=enrollment.kind).latest("effective_from")
    return DisclosureAcknowledgement.objects.create(
        enrollment=enrollment, disclosures=disclosures, user=user, language="en", shown_sha256="0" * 64
    )


def make_interaction(enrollment: Enrollment, counselor: User, **fields: Any) -> CounselorInteraction:
    end = fields.pop("ended_at", clock.now())
    return CounselorInteraction.objects.create(
        enrollment=enrollment,
        counselor=counselor,
        method=InteractionMethod.PHONE,
        started_at=end - dt.timedelta(minutes=15),
        ended_at=end,
        identity_confirmed=True,
        **fields,
    )


def make_course_version(course: Course, version: str) -> Course:
    """A draft that copies the first lesson and the first test question of `course`."""
    old = Course.objects.get(pk=course.pk)
    chapter = old.chapters.first()
    lesson = chapter.lessons.first()
    questions = [lesson.question, old.questions.filter(lesson=None).first()]
    copy = _copy(old, version=version, status="draft")
    lesson = _copy(lesson, chapter=_copy(chapter, course=copy))
    for question, home in zip(questions, (lesson, None), strict=True):
        _copy(question, course=copy, lesson=home)
    return copy


def _copy(row: Any, **changes: Any) -> Any:
    values = {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.name != "id"}
    fresh = type(row)(**values)
    for name, value in changes.items():
        setattr(fresh, name, value)
    fresh.save(force_insert=True)
    return fresh


def make_session(enrollment: Enrollment, *, seconds: int = 0, **fields: Any) -> CourseSession:
    """A session with `seconds` verified up to a minute ago and a true ledger of them."""
    course = Course.objects.get(kind=enrollment.kind, status="published")
    begun = clock.now().replace(second=0, microsecond=0) - dt.timedelta(seconds=seconds + 60)
    session = CourseSession.objects.create(enrollment=enrollment, course=course, **{"opened_at": begun} | fields)
    ledger.credit(session, begun, seconds)
    ledger.close_minute(session)
    session.save(update_fields=ledger.SESSION_COLUMNS)
    return session


def make_ledger_minute(session: CourseSession) -> TimeLedgerMinute:
    """One more verified minute, the one after the last."""
    ledger.credit(session, session.minutes.latest("seq").minute + ledger.MINUTE, 60)
    ledger.close_minute(session)
    session.save(update_fields=ledger.SESSION_COLUMNS)
    return session.minutes.latest("seq")


def make_progress(session: CourseSession) -> LessonProgress:
    lesson = session.course.chapters.first().lessons.first()
    return LessonProgress.objects.create(session=session, lesson=lesson)


def make_attempt(session: CourseSession, **fields: Any) -> TestAttempt:
    return TestAttempt.objects.create(session=session, number=1, **fields)


def make_payment(enrollment: Enrollment, **fields: Any) -> Payment:
    defaults = {
        "amount_cents": 5000, "status": PaymentStatus.SUCCEEDED, "idempotency_key": f"pay-{uuid.uuid4().hex}",
        "succeeded_at": clock.now(),
    }  # fmt: skip
    return Payment.objects.create(
        provider=enrollment.provider, enrollment=enrollment, household=enrollment.household, **defaults | fields
    )


def make_proof_run(**fields: Any) -> ProofRun:
    moment = clock.now()
    return ProofRun.objects.create(since=moment - dt.timedelta(days=1), until=moment, finished_at=moment, **fields)


def make_proof_difference(payment: Payment, **fields: Any) -> ProofDifference:
    run = make_proof_run(found=1, unexplained=1)
    defaults = {
        "key": f"payment_missing_there:{payment.pk}", "kind": DifferenceKind.PAYMENT_MISSING_THERE,
        "provider": payment.provider, "payment": payment, "ours": payment.status, "ours_cents": payment.amount_cents,
        "first_seen": run, "last_seen": run,
    }  # fmt: skip
    return ProofDifference.objects.create(**defaults | fields)


def make_refund(payment: Payment, amount_cents: int = 1000) -> Refund:
    return Refund.objects.create(
        payment=payment, amount_cents=amount_cents, reason="overcharged", idempotency_key=f"re-{uuid.uuid4().hex}"
    )


def make_waiver(enrollment: Enrollment, **fields: Any) -> FeeWaiver:
    defaults = {
        "household_size": 2, "annual_income_cents": 2_000_000, "state": "CA", "threshold_cents": 3_246_000,
        "guideline_year": 2026, "is_presumed": True,
    }  # fmt: skip
    return FeeWaiver.objects.create(provider=enrollment.provider, enrollment=enrollment, **defaults | fields)


def make_gateway_event(event_id: str = "evt_1") -> GatewayEvent:
    return GatewayEvent.objects.create(
        event_id=event_id, type="checkout.session.completed", payload={}, happened_at=clock.now()
    )


def make_cgs_number(provider: Organization, number: str, kind: str = CourseKind.CC) -> CgsNumber:
    return CgsNumber.objects.create(
        provider=provider, kind=kind, district=District.objects.get(pk=COURT), number=number
    )


def make_certificate(enrollment: Enrollment, **fields: Any) -> Certificate:
    """A simulated certificate with true facts and no document. Serial and number come from the product's own counters,
    so that what is issued later goes on after them."""
    defaults: dict[str, Any] = {
        "number": simulated_number(enrollment.kind, enrollment.district_id),
        "serial": next_number(serial_name(enrollment)),
        "verification_code": new_code(),
        "facts": gather_facts(enrollment),
        "is_simulated": True,
    }
    return Certificate.objects.create(
        provider=enrollment.provider, enrollment=enrollment, kind=enrollment.kind, **defaults | fields
    )


def make_direction(enrollment: Enrollment, firm: Organization, user: User) -> ReleaseDirection:
    return ReleaseDirection.objects.create(
        enrollment=enrollment, firm=firm, directed_by=user, statement="Send it to my lawyer."
    )


def make_filing(certificate: Certificate, **fields: Any) -> CourtFiling:
    return CourtFiling.objects.create(
        provider=certificate.provider, enrollment=certificate.enrollment, certificate=certificate, **fields
    )
