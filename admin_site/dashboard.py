"""The role home: what waits for this person, how many and how long.

Add a queue by adding a line to QUEUES. `rows` gives the waiting rows among those on which the person holds
`permission`; `age` is the column that says since when (a moment) or until when (a date, then it is a deadline).
A queue costs at most two queries: one for count and oldest, one for the first rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from django.db import models
from django.db.models import Count, Min, Subquery
from django.db.models.functions import TruncWeek
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from admin_site.paging import branches_of, unscoped
from approvals.models import ApprovalRequest
from approvals.queries import inbox
from certificates.enums import FilingStatus
from certificates.models import Certificate, CourtFiling
from core import clock
from core.context import Actor
from enrollments.enums import ENDED, FINISHED, EnrollmentStatus
from enrollments.models import Enrollment, EnrollmentRequest
from jobs.models import Downtime, Job
from notifications.enums import MessageState
from notifications.models import Message
from organizations.backends import allows
from organizations.models import Invitation
from payments.models import Dispute, FeeWaiver
from proofs.enums import DifferenceStatus
from proofs.models import ProofDifference
from providers.enums import ApplicationStatus
from providers.models import ProviderApplication

SHOWN = 5
BADGE_LIMIT = 99
_SOON = dt.timedelta(days=14)
_WEEKS = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """One kind of waiting work."""

    name: str
    title: str | Promise
    permission: str
    model: type[models.Model]
    rows: Callable[[Any], Any]
    age: str
    query: str
    empty: str | Promise
    icon: str
    is_deadline: bool = False
    related: tuple[str, ...] = ()

    def waiting(self, actor: Actor) -> Any:
        """The waiting rows this person can do something about, the most urgent first."""
        rows: Any = self.model._default_manager
        return self.rows(rows.permitted_to(actor, self.permission)).order_by(self.age, "pk")


def _near_deadline(rows: Any) -> Any:
    return rows.filter(kind="DE", de_filing_deadline__lte=clock.today() + _SOON).exclude(status__in=ENDED | FINISHED)


QUEUES: tuple[Queue, ...] = (
    Queue(
        "certificates", _("Certificates to issue"), "certificates.issue_certificate", Enrollment,
        lambda rows: rows.awaiting_certificate(), "certificate_due", "?status__exact=completed",
        _("Every completed course has its certificate."), "workspace_premium", is_deadline=True, related=("client",),
    ),
    Queue(
        "filings", _("To file with the court"), "certificates.file_courtfiling", CourtFiling,
        lambda rows: rows.filter(status__in=(FilingStatus.QUEUED, FilingStatus.RETURNED)), "created_at",
        "?status__exact=queued", _("Nothing waits for the court."), "gavel", related=("enrollment__client",),
    ),
    Queue(
        "review", _("With the counselor"), "enrollments.complete_enrollment", Enrollment,
        lambda rows: rows.awaiting_counselor(), "submitted_at", "?status__exact=review",
        _("No client waits for a counselor."), "support_agent", related=("client",),
    ),
    Queue(
        "requests", _("Requests to answer"), "enrollments.convert_enrollmentrequest", EnrollmentRequest,
        lambda rows: rows.waiting(), "created_at", "", _("Every request is answered."), "inbox",
    ),
    Queue(
        "waivers", _("Fee waivers to decide"), "payments.decide_feewaiver", FeeWaiver,
        lambda rows: rows.waiting(), "created_at", "?status__exact=requested", _("No fee waiver waits."),
        "volunteer_activism", related=("enrollment__client",),
    ),
    Queue(
        "approvals", _("Approvals to decide"), "approvals.decide_approvalrequest", ApprovalRequest,
        lambda rows: rows.filter(pk__in=inbox().values("pk")), "created_at", "?inbox=me",
        _("Nobody waits for your approval."), "order_approve",
    ),
    Queue(
        "disputes", _("Disputes to answer"), "payments.answer_dispute", Dispute, lambda rows: rows.to_answer(),
        "due_at", "?status__exact=needs_response", _("No bank asks for money back."), "gavel", is_deadline=True,
        related=("payment__enrollment__client",),
    ),
    Queue(
        "deadlines", _("Deadlines in 14 days"), "enrollments.view_enrollment", Enrollment, _near_deadline,
        "de_filing_deadline", "?kind__exact=DE", _("No deadline is near."), "event", is_deadline=True,
        related=("client",),
    ),
    Queue(
        "invited", _("Invited, not begun"), "enrollments.invite_enrollment", Enrollment,
        lambda rows: rows.filter(status=EnrollmentStatus.INVITED), "created_at", "?status__exact=invited",
        _("Everybody invited has begun."), "hourglass_top", related=("client",),
    ),
    Queue(
        "applications", _("Applications to decide"), "providers.change_providerapplication", ProviderApplication,
        lambda rows: rows.filter(status__in=(ApplicationStatus.SUBMITTED, ApplicationStatus.UNDER_REVIEW)),
        "created_at", "", _("No application waits."), "assignment",
    ),
    Queue(
        "differences", _("Differences in the books"), "proofs.fix_proofdifference", ProofDifference,
        lambda rows: rows.filter(status=DifferenceStatus.OPEN), "created_at", "?status__exact=open",
        _("The books agree."), "difference",
    ),
    Queue(
        "jobs", _("Parked jobs"), "jobs.rerun_job", Job, lambda rows: rows.parked(), "created_at",
        "?state__exact=parked", _("All background work runs."), "sync_problem",
    ),
    Queue(
        "downtimes", _("Down now"), "jobs.view_downtime", Downtime, lambda rows: rows.filter(ended_at=None), "began_at",
        "", _("Every schedule and every worker is on time."), "monitor_heart",
    ),
    Queue(
        "messages", _("Mails that failed"), "notifications.resend_message", Message,
        lambda rows: rows.filter(state=MessageState.FAILED), "created_at", "?state__exact=failed",
        _("Every mail was handed over."), "unsubscribe",
    ),
    Queue(
        "invitations", _("Open invitations"), "organizations.refresh_invitation", Invitation,
        lambda rows: rows.pending(), "created_at", "?status__exact=pending", _("Everybody invited has answered."),
        "mail",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One waiting row."""

    label: str
    url: str
    since: Any


@dataclass(frozen=True, slots=True)
class Board:
    """A queue as the home page shows it."""

    queue: Queue
    count: int
    oldest: Any
    is_late: bool
    url: str
    lines: list[Line]


def boards(request: HttpRequest) -> list[Board]:
    """The queues this person works on, late ones and full ones first."""
    found = [_board(queue, request) for queue in _mine(request)]
    return sorted(found, key=lambda board: (not board.is_late, board.count == 0))


def badges(request: HttpRequest, names: Container[str]) -> dict[str, int]:
    """How many rows wait in those of the person’s queues that are named; beyond BADGE_LIMIT only that. One query."""
    prefix = "queue_"
    counts = {
        f"{prefix}{queue.name}": _count_of(queue, request.actor) for queue in _mine(request) if queue.name in names
    }
    if not counts:
        return {}
    found = User.objects.filter(pk=request.actor.user_id).values(**counts).first() or {}
    return {name.removeprefix(prefix): count for name, count in found.items()}


def issued_by_week(request: HttpRequest) -> list[dict[str, Any]]:
    """Certificates issued in each of the last ten weeks, for a small chart; one query. Empty without the right."""
    if not allows(request.actor, "certificates.view_certificate"):
        return []
    this_week = clock.today() - dt.timedelta(days=clock.today().weekday())
    weeks = [this_week - dt.timedelta(weeks=back) for back in range(_WEEKS - 1, -1, -1)]
    rows = Certificate.objects.permitted_to(request.actor, "certificates.view_certificate")
    first = dt.datetime.combine(weeks[0], dt.time(), dt.UTC)
    counted = rows.filter(issued_at__gte=first).order_by().annotate(week=TruncWeek("issued_at")).values("week")
    by_week = {entry["week"].date(): entry["n"] for entry in counted.annotate(n=Count("pk"))}
    most = max(by_week.values(), default=0) or 1
    heights = [max(2, round(100 * by_week.get(week, 0) / most)) for week in weeks]
    return [
        {"week": week, "count": by_week.get(week, 0), "height": height, "top": 100 - height}
        for week, height in zip(weeks, heights, strict=True)
    ]


def _mine(request: HttpRequest) -> list[Queue]:
    return [queue for queue in QUEUES if allows(request.actor, queue.permission)]


class _Counted(Subquery):
    """How many rows a subquery has; slice it, and no more are ever read."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS waiting)"
    output_field = models.IntegerField()


def _count_of(queue: Queue, actor: Actor) -> Any:
    """Each way by which the person sees rows is counted for itself, since no index answers an OR of them."""
    rows = queue.waiting(actor).order_by().select_related(None).values("pk")
    ways = branches_of(queue.model, actor, queue.permission)
    rows = unscoped(rows, actor, queue.permission) if all(ways) else rows
    return reduce(add, (_Counted(rows.filter(way)[: BADGE_LIMIT + 1]) for way in ways))


def _board(queue: Queue, request: HttpRequest) -> Board:
    rows = queue.waiting(request.actor)
    facts = rows.order_by().aggregate(count=Count("pk"), oldest=Min(queue.age))
    first = list(rows.select_related(*queue.related)[:SHOWN]) if facts["count"] else []
    late = bool(queue.is_deadline and facts["oldest"] and _day(facts["oldest"]) < clock.today())
    lines = [Line(str(row), _address(queue.model, row), getattr(row, queue.age)) for row in first]
    return Board(queue, facts["count"], facts["oldest"], late, _address(queue.model) + queue.query, lines)


def _day(moment: dt.date) -> dt.date:
    return moment.date() if isinstance(moment, dt.datetime) else moment


def _address(model: type[models.Model], row: models.Model | None = None) -> str:
    from admin_site.site import console  # noqa: PLC0415 -- the site reads the dashboard

    if not console.is_registered(model):
        return ""
    page, arguments = ("changelist", []) if row is None else ("change", [row.pk])
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)
