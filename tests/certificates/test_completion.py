"""The counselor's part: the talk, the guards, the moment of completion, and the way back."""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import User
from audit.models import AuditEvent
from certificates.services.completion import complete_enrollment, record_interaction, return_to_client
from core import clock
from core.errors import DomainError
from courses.models import CourseSession
from enrollments.enums import EnrollmentStatus, InteractionMethod
from enrollments.models import CounselorInteraction, Enrollment
from jobs.models import Job
from notifications.models import Message
from organizations.models import ProviderProfile
from payments.models import Payment
from providers.models import DistrictApproval
from tests.certificates.acts import acting_as, fresh, refused, under_review
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World

pytestmark = pytest.mark.django_db

MINUTE = dt.timedelta(minutes=1)
PLAN = b"%PDF-1.7 a plan"


def talk(enrollment: Enrollment, counselor: User, **fields: object) -> CounselorInteraction:
    """A talk that ended just now."""
    ended = clock.now()
    defaults = {
        "method": InteractionMethod.PHONE, "started_at": ended - 15 * MINUTE, "ended_at": ended,
        "identity_confirmed": True,
    }  # fmt: skip
    return record_interaction(enrollment, counselor, **{**defaults, **fields})  # type: ignore[arg-type]  # -- by name


def test_a_counselor_records_a_talk_and_completes_with_its_end_as_the_moment(world: World) -> None:
    """CERT-99; 28 CFR 58.22(a)."""
    enrollment = under_review(world)

    with acting_as(world.counselor_a):
        spoken = talk(enrollment, world.counselor_a, notes="Spoke about rent.", debt_plan=PLAN)
        done = complete_enrollment(enrollment)

    assert (done.status, done.completed_at, done.completed_by) == (
        EnrollmentStatus.COMPLETED, spoken.ended_at, world.counselor_a,
    )  # fmt: skip
    assert done.certificate_due is not None
    assert spoken.debt_plan.content_type == "application/pdf"
    with as_system():
        acts = set(
            AuditEvent.objects.filter(target_id__in=[str(spoken.pk), str(done.pk)]).values_list("act", flat=True)
        )
        job = Job.objects.get(dedupe_key=f"certificate:{done.pk}:1")
    assert acts >= {"counselorinteraction.recorded", "enrollment.completed"}
    assert (job.kind, job.max_attempts, job.organization_id) == ("certificates.issue", 3, world.provider_a.pk)


def test_completing_never_asks_about_money(world: World) -> None:
    """28 CFR 58.22(c)."""
    enrollment = under_review(world)
    with as_system():
        assert not Payment.objects.filter(enrollment=enrollment).exists()

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
        assert complete_enrollment(enrollment).status == EnrollmentStatus.COMPLETED


@pytest.mark.parametrize("name", ["counselor_b", "attorney_a", "client_user_a", "stranger", "platform_admin"])
def test_nobody_but_a_counselor_of_the_provider_records_or_completes(world: World, name: str) -> None:
    enrollment = under_review(world)
    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
    user = getattr(world, name)

    with acting_as(world.platform_admin):
        with refused("not_a_counselor"):
            talk(enrollment, user)
        with refused("not_a_counselor"):
            complete_enrollment(enrollment, counselor=user)
    with acting_as(user), pytest.raises((DomainError, Enrollment.DoesNotExist)):
        complete_enrollment(enrollment)

    assert fresh(enrollment).status == EnrollmentStatus.REVIEW


def test_a_talk_without_confirmed_identity_is_kept_and_does_not_count(world: World) -> None:
    enrollment = under_review(world)

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a, identity_confirmed=False)
        with refused("interaction_required"):
            complete_enrollment(enrollment)

    with as_system():
        assert CounselorInteraction.objects.filter(enrollment=enrollment).count() == 1


def test_a_talk_before_the_course_was_handed_in_does_not_count(world: World) -> None:
    """The talk follows the automated part (28 CFR 58.22(a))."""
    enrollment = under_review(world)
    early = enrollment.submitted_at - MINUTE

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a, started_at=early - MINUTE, ended_at=early)
        with refused("interaction_required"):
            complete_enrollment(enrollment)


@pytest.mark.parametrize(("begins", "ends"), [(-1, -2), (-1, 1), (-5, -5)])
def test_a_talk_ends_after_it_begins_and_not_in_the_future(world: World, begins: int, ends: int) -> None:
    now = clock.now()
    with acting_as(world.counselor_a), refused("interaction_times"):
        talk(under_review(world), world.counselor_a, started_at=now + begins * MINUTE, ended_at=now + ends * MINUTE)


def test_a_talk_is_recorded_only_while_the_course_runs_or_waits(world: World) -> None:
    with acting_as(world.counselor_a), refused("interaction_not_now"):
        talk(world.completed_a, world.counselor_a)


@pytest.mark.parametrize(
    ("kind", "seconds", "code"),
    [
        ("CC", 3599, "cc_minimum_time_required"),
        ("CC", 3600, ""),
        ("DE", 7199, "de_minimum_time_required"),
        ("DE", 7200, ""),
    ],
)
def test_the_time_is_asked_again_when_completing(world: World, kind: str, seconds: int, code: str) -> None:
    """CERT-96, CERT-99."""
    enrollment = under_review(world, kind, seconds=seconds)

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
        if code:
            with refused(code):
                complete_enrollment(enrollment)
        else:
            complete_enrollment(enrollment)

    assert fresh(enrollment).status == (EnrollmentStatus.REVIEW if code else EnrollmentStatus.COMPLETED)


def test_a_supervisors_reason_opens_the_gate_of_counseling(world: World) -> None:
    enrollment = under_review(world, seconds=3000)
    with as_system():
        Enrollment.objects.filter(pk=enrollment.pk).update(cc_override_reason="Read everything on paper.")

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
        assert complete_enrollment(enrollment).status == EnrollmentStatus.COMPLETED


def test_debtor_education_needs_a_talk_only_after_a_test_below_the_mark(world: World) -> None:
    """28 CFR 58.33(g)."""
    well, badly = under_review(world, "DE"), under_review(world, "DE", passed=False)
    before = clock.now()

    with acting_as(world.counselor_a):
        done = complete_enrollment(well)
        with refused("interaction_required"):
            complete_enrollment(badly)
        talk(badly, world.counselor_a)
        complete_enrollment(badly)

    assert done.completed_at >= before
    assert fresh(badly).status == EnrollmentStatus.COMPLETED


def test_without_an_approval_of_the_district_on_that_day_nothing_is_completed(world: World) -> None:
    enrollment = under_review(world)
    with as_system():
        DistrictApproval.objects.filter(provider=world.provider_a, kind="CC").update(
            valid_from=dt.date(2020, 1, 1), valid_to=dt.date(2020, 12, 31)
        )

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
        with refused("district_not_approved"):
            complete_enrollment(enrollment)


def test_without_a_course_nothing_is_completed(world: World) -> None:
    enrollment = under_review(world)
    with as_system():
        CourseSession.objects.filter(enrollment=enrollment).update(enrollment=world.invited_a)

    with acting_as(world.counselor_a), refused("course_not_begun"):
        complete_enrollment(enrollment)


def test_a_provider_that_issues_by_hand_gets_no_job(world: World) -> None:
    enrollment = under_review(world)
    with as_system():
        ProviderProfile.objects.filter(organization=world.provider_a).update(issues_automatically=False)

    with acting_as(world.counselor_a):
        talk(enrollment, world.counselor_a)
        complete_enrollment(enrollment)

    with as_system():
        assert not Job.objects.filter(dedupe_key__startswith=f"certificate:{enrollment.pk}").exists()


def test_the_certificate_is_due_by_business_days_after_the_talk(world: World) -> None:
    """CC one, DE three (28 CFR 58.22(a), 58.35(a)); Friday evening in California counts as Friday."""
    friday = dt.datetime(2026, 3, 6, 23, 30, tzinfo=dt.UTC)
    enrollment = under_review(world)
    with as_system():
        Enrollment.objects.filter(pk=enrollment.pk).update(submitted_at=None)
        DistrictApproval.objects.filter(provider=world.provider_a).update(valid_from=dt.date(2026, 1, 1))
        cases.make_interaction(enrollment, world.counselor_a, ended_at=friday)

    with acting_as(world.counselor_a):
        done = complete_enrollment(fresh(enrollment))

    assert (done.completed_at, done.certificate_due) == (friday, dt.date(2026, 3, 9))


def test_a_returned_course_goes_back_with_the_reason_by_mail(world: World) -> None:
    enrollment = under_review(world)

    with acting_as(world.counselor_a):
        with refused("reason_required"):
            return_to_client(enrollment, reason=" ")
        returned = return_to_client(enrollment, reason="Please read the chapter about credit again.")

    assert returned.status == EnrollmentStatus.IN_PROGRESS
    with as_system():
        mail = Message.objects.get(event="enrollment.returned")
    assert (mail.to, mail.about_id) == (world.client_user_a.email, str(enrollment.pk))
    assert "Please read the chapter about credit again." in mail.text_body
    assert f"/course/{enrollment.pk}" in mail.text_body
