"""What waits for staff: talks with clients, certificates without a number, and how many numbers are left."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import CharField, Count, Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce

from certificates.models import CgsNumber
from core.context import Actor
from courses.models import CourseSession, TestAttempt
from enrollments.models import CounselorInteraction, Enrollment
from jobs.enums import OPEN_STATES, JobState
from jobs.models import Job

ISSUE = "certificates.issue"


def _numbers_for_outer() -> QuerySet[CgsNumber]:
    """Official numbers that the enrollment of the outer query could get."""
    return CgsNumber.objects.available().filter(
        Q(enrollment=None) | Q(enrollment=OuterRef("pk")),
        provider=OuterRef("provider"),
        kind=OuterRef("kind"),
        district=OuterRef("district"),
    )


def _requests_for_outer() -> QuerySet[Job]:
    """Jobs that issue for the enrollment of the outer query."""
    subject = Cast(OuterRef("pk"), CharField())
    return Job.objects.filter(kind=ISSUE, subject_type=Enrollment._meta.label_lower, subject_id=subject)


def issuable() -> QuerySet[Enrollment]:
    """Completed enrollments for which the worker can ask for a certificate now, oldest first, with `asked`: how often
    it asked before. Left out: providers that issue by hand, open and parked requests, and what waits for a number."""
    requests = _requests_for_outer()
    unsettled = requests.filter(state__in=(*OPEN_STATES, JobState.PARKED))
    asked = requests.order_by().values("subject_id").annotate(number=Count("pk")).values("number")
    return (
        Enrollment.objects.awaiting_certificate()
        .filter(provider__provider_profile__issues_automatically=True)
        .filter(Q(provider__provider_profile__simulates_numbers=True) | Exists(_numbers_for_outer()))
        .filter(~Exists(unsettled))
        .annotate(asked=Coalesce(Subquery(asked), Value(0), output_field=IntegerField()))
        .order_by("completed_at", "pk")
    )


def waiting_for_number(actor: Actor) -> QuerySet[Enrollment]:
    """Completed enrollments the actor sees that have no official number to be issued with, oldest first."""
    return (
        Enrollment.objects.visible_to(actor)
        .awaiting_certificate()
        .with_people()
        .filter(provider__provider_profile__simulates_numbers=False)
        .filter(~Exists(_numbers_for_outer()))
        .order_by("completed_at", "pk")
    )


def counselor_queue(actor: Actor) -> QuerySet[Enrollment]:
    """Enrollments handed to the counselors of the actor's providers, longest waiting first. Beside each: verified
    seconds, best score in percent, whether the test was passed (None: not taken), and the last talk that counts."""
    session = CourseSession.objects.filter(enrollment=OuterRef("pk"))
    tests = TestAttempt.objects.filter(session__enrollment=OuterRef("pk")).exclude(submitted_at=None)
    best = tests.order_by(F("score_percent").desc(nulls_last=True), "-number")
    talks = CounselorInteraction.objects.filter(enrollment=OuterRef("pk"), identity_confirmed=True)
    counted = talks.filter(Q(ended_at__gte=OuterRef("submitted_at")) | Q(enrollment__submitted_at=None))
    return (
        Enrollment.objects.permitted_to(actor, "enrollments.complete_enrollment")
        .awaiting_counselor()
        .with_people()
        .annotate(
            verified_seconds=Coalesce(Subquery(session.values("total_seconds")[:1]), Value(0)),
            best_score=Subquery(best.values("score_percent")[:1]),
            has_passed=Subquery(best.values("passed")[:1]),
            talked_at=Subquery(counted.order_by("-ended_at").values("ended_at")[:1]),
        )
        .order_by(F("submitted_at").asc(nulls_first=True), "pk")
    )


@dataclass(frozen=True, slots=True)
class PoolLevel:
    """How many official numbers a provider has left for one service and district, and how many certificates wait."""

    provider_name: str
    kind: str
    court_id: str
    available: int
    waiting: int

    @property
    def is_short(self) -> bool:
        return self.waiting > self.available


def pool_levels(actor: Actor) -> list[PoolLevel]:
    """The pools the actor sees and those that certificates wait for, shortest first; two queries."""
    found: dict[tuple[str, str, str], list[int]] = {}
    key = ("provider__name", "kind", "district_id")
    numbers = CgsNumber.objects.visible_to(actor).available().values(*key).order_by().annotate(number=Count("pk"))
    waiting = (
        Enrollment.objects.visible_to(actor)
        .awaiting_certificate()
        .filter(provider__provider_profile__simulates_numbers=False)
        .values(*key)
        .order_by()
        .annotate(number=Count("pk"))
    )
    for place, rows in ((0, numbers), (1, waiting)):
        for row in rows:
            found.setdefault(tuple(row[name] for name in key), [0, 0])[place] = row["number"]
    levels = [PoolLevel(*names, *counts) for names, counts in found.items()]
    return sorted(levels, key=lambda level: (level.available - level.waiting, level.provider_name, level.kind))
