"""The counselor's part: talk with the client, then complete the enrollment or give it back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.models import User
from audit.services import record
from certificates.clocks import certificate_due
from certificates.guards import COMPLETION_GUARDS, completion_moment
from certificates.services.issuing import issues_automatically, request_certificate
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from enrollments.enums import EnrollmentStatus, InteractionMethod
from enrollments.models import CounselorInteraction, Enrollment
from enrollments.services.invitations import course_link
from files.models import StoredFile
from files.services import store
from notifications.services import notify
from organizations.models import Membership
from organizations.roles import role_carries

TALKING = frozenset({EnrollmentStatus.IN_PROGRESS, EnrollmentStatus.REVIEW})
RETURNED = "enrollment.returned"


def counsels(user: User, enrollment: Enrollment) -> bool:
    """Whether `user` is an active counselor, or above, of the enrollment's own provider."""
    roles = (
        Membership.objects.active()
        .filter(user=user, organization=enrollment.provider_id)
        .values_list("role", flat=True)
    )
    return any(role_carries(role, "enrollments.complete_enrollment") for role in roles)


@transaction.atomic
def record_interaction(
    enrollment: Enrollment,
    counselor: User,
    *,
    method: InteractionMethod | str,
    started_at: dt.datetime,
    ended_at: dt.datetime,
    identity_confirmed: bool,
    notes: str = "",
    debt_plan: bytes | None = None,
) -> CounselorInteraction:
    """Put a counselor's talk with the client on record; times are aware.

    `identity_confirmed` says that identification was asked for again and fitted (28 CFR 58.20, 58.33); a talk without
    it is kept and does not count. `debt_plan` is the PDF of a repayment plan made in the talk. DomainError
    `not_a_counselor`, `interaction_not_now`, `interaction_times`, `file_type_not_allowed`.
    """
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    if not counsels(counselor, locked):
        raise DomainError("not_a_counselor")
    if locked.status not in TALKING:
        raise DomainError("interaction_not_now")
    if not started_at < ended_at <= clock.now():
        raise DomainError("interaction_times")
    talk = CounselorInteraction.objects.create(
        enrollment=locked,
        counselor=counselor,
        method=method,
        started_at=started_at,
        ended_at=ended_at,
        identity_confirmed=identity_confirmed,
        notes=notes,
        debt_plan=_keep_plan(locked, debt_plan) if debt_plan else None,
    )
    record(
        "counselorinteraction.recorded",
        talk,
        payload={
            "enrollment": locked.pk,
            "counselor": counselor.pk,
            "method": str(method),
            "identity_confirmed": identity_confirmed,
            "debt_plan": talk.debt_plan_id,
        },
    )
    return talk


def _keep_plan(enrollment: Enrollment, content: bytes) -> StoredFile:
    return store(
        content,
        name=f"debt-repayment-plan-{enrollment.client.last_name}.pdf",
        content_type="application/pdf",
        kind="debt_plan",
        organization=enrollment.provider_id,
        person=enrollment.client.user_id,
    )


@transaction.atomic
def complete_enrollment(enrollment: Enrollment, *, counselor: User | None = None) -> Enrollment:
    """Review → completed, with every guard asked again under the lock: time, talk, district. Money is never asked.

    `counselor` signs the certificate; by default the acting user. For counseling the moment of completion is the end
    of the talk (28 CFR 58.22(a)), and from it follows the day the certificate is due. Asks for the certificate when
    the provider issues automatically. DomainError `not_a_counselor`, `transition_not_allowed`, or the first guard's.
    """
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    signer = counselor or _acting_user()
    if signer is None or not counsels(signer, locked):
        raise DomainError("not_a_counselor")
    completed_at = completion_moment(locked)
    done = transition(
        locked,
        EnrollmentStatus.COMPLETED,
        guards=COMPLETION_GUARDS,
        changes={
            "completed_at": completed_at,
            "completed_by": signer,
            "certificate_due": certificate_due(locked.kind, completed_at, locked.district_id),
        },
        payload={"completed_at": completed_at, "completed_by": signer.pk},
    )
    if issues_automatically(done):
        request_certificate(done)
    return done


def _acting_user() -> User | None:
    actor = current_actor()
    return User.objects.filter(pk=actor.user_id).first() if actor and actor.user_id else None


@transaction.atomic
def return_to_client(enrollment: Enrollment, *, reason: str) -> Enrollment:
    """Review → in progress, so that the client can go on; `reason` is told to them by mail.

    DomainError `reason_required`, `transition_not_allowed`.
    """
    if not reason.strip():
        raise DomainError("reason_required")
    returned = transition(enrollment, EnrollmentStatus.IN_PROGRESS, reason=reason)
    notify(
        RETURNED,
        to=returned.client.email,
        language=returned.language,
        context={
            "first_name": returned.client.first_name,
            "organization_name": returned.provider.name,
            "reason": reason.strip(),
            "link": course_link(returned),
        },
        dedupe_key=f"{RETURNED}:{returned.pk}:{returned.submitted_at or returned.updated_at:%Y%m%dT%H%M%S%f}",
        organization=returned.provider_id,
        person=returned.client.user_id,
        about=returned,
    )
    return returned
