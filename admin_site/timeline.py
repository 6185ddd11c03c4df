"""Everything that happened around one enrollment, in one list: versions, jobs, mails, money, evidence.

    @console_register(Enrollment)
    class EnrollmentAdmin(TimelineAdmin, ConsoleImportExport, ConsoleModelAdmin): ...

At most ten queries, whatever happened; the newest LIMIT entries. Each source shows what this person may view of it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admin_site.histories import people_by_id, plain
from admin_site.pills import tone_of
from approvals.kinds import title_of
from approvals.models import ApprovalRequest
from audit.models import AuditEvent
from certificates.models import Certificate
from enrollments.models import Enrollment
from jobs.models import Job
from notifications.models import Message, NotificationDelivery
from organizations.backends import allows
from payments.models import Dispute, Payment, Refund

LIMIT = 200
KINDS: dict[str, str | Promise] = {
    "history": gettext_lazy("Changes"),
    "jobs": gettext_lazy("Work"),
    "mails": gettext_lazy("Mails"),
    "money": gettext_lazy("Money"),
    "evidence": gettext_lazy("Evidence"),
}
_ICONS = {"history": "edit", "jobs": "sync", "mails": "mail", "money": "payments", "evidence": "policy"}


@dataclass(slots=True)
class Happening:
    """One line: what, when, by whom. `who` is an id until the names are looked up once for all lines."""

    kind: str
    at: dt.datetime
    title: str
    details: list[str] = field(default_factory=list)
    who: UUID | None = None
    label: str = ""
    url: str = ""
    tone: str = ""
    pill: str = ""

    @property
    def icon(self) -> str:
        return _ICONS[self.kind]


class TimelineAdmin:
    """Mixin before ConsoleModelAdmin: shows the timeline below the record."""

    change_form_outer_after_template = "console/timeline.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj") or (args[4] if len(args) > 4 else None)
        if row is not None:
            chosen = request.GET.get("timeline", "")
            context |= {"timeline": timeline(request, row, chosen), "timeline_kinds": KINDS, "timeline_kind": chosen}
        return super().render_change_form(request, context, *args, **kwargs)


def timeline(request: HttpRequest, enrollment: Enrollment, kind: str = "") -> list[Happening]:
    """The newest happenings, all of them or of one kind."""
    found = [entry for entry in _everything(request, enrollment, kind) if kind not in KINDS or entry.kind == kind]
    newest = sorted(found, key=lambda entry: entry.at, reverse=True)[:LIMIT]
    names = people_by_id(entry.who for entry in newest)
    for entry in newest:
        entry.label = names.get(entry.who) or entry.label if entry.who else entry.label
    return newest


def _everything(request: HttpRequest, enrollment: Enrollment, kind: str) -> Iterator[Happening]:
    wanted = {kind} if kind in KINDS else set(KINDS)
    around = _around(enrollment)
    if "history" in wanted:
        yield from _versions(enrollment)
    if "money" in wanted:
        yield from _money(request, enrollment, around)
    if "mails" in wanted:
        yield from _mails(request, around)
    if "jobs" in wanted:
        yield from _jobs(request, around)
    if "evidence" in wanted:
        yield from _evidence(request, around)


def _around(enrollment: Enrollment) -> dict[str, Any]:
    """The records that belong to the enrollment, by model label: its own id, and sub-queries for the rest."""
    found: dict[str, Any] = {"enrollments.enrollment": [str(enrollment.pk)]}
    ways = (
        (Payment, "enrollment"), (Certificate, "enrollment"), (Refund, "payment__enrollment"),
        (Dispute, "payment__enrollment"),
    )  # fmt: skip
    for model, path in ways:
        rows = model._base_manager.filter(**{path: enrollment.pk})
        found[model._meta.label_lower] = rows.values_list(Cast("pk", CharField()), flat=True)
    label = Payment._meta.label_lower
    asked = ApprovalRequest._base_manager.filter(subject_type=label, subject_id__in=found[label])
    found[ApprovalRequest._meta.label_lower] = asked.values_list(Cast("pk", CharField()), flat=True)
    return found


def _about(around: dict[str, Any], type_column: str, id_column: str) -> Q:
    condition = Q(pk__in=[])
    for label, keys in around.items():
        condition |= Q(**{type_column: label, f"{id_column}__in": keys})
    return condition


def _permitted(request: HttpRequest, model: Any) -> QuerySet | None:
    permission = f"{model._meta.app_label}.view_{model._meta.model_name}"
    if not allows(request.actor, permission):
        return None
    return model._default_manager.permitted_to(request.actor, permission)


def _versions(enrollment: Enrollment) -> Iterator[Happening]:
    records = list(enrollment.history.order_by("-history_date", "-history_id")[: LIMIT + 1])
    for record, before in zip(records, [*records[1:], None], strict=True):
        details = [record.history_change_reason] if record.history_change_reason else []
        if before is not None:
            details += list(_changes(before, record))
        title = _("Created") if record.history_type == "+" else _("Changed")
        yield Happening(
            "history", record.history_date, title, details, who=record.history_user_id, label=record.actor_label
        )


def _changes(before: Any, after: Any) -> Iterator[str]:
    for column in after.tracked_fields:
        old, new = getattr(before, column.attname), getattr(after, column.attname)
        if old == new or column.name == "updated_at":
            continue
        name = str(column.verbose_name)
        if column.is_relation:
            yield name
        elif column.choices:
            labels = dict(column.flatchoices)
            yield f"{name}: {labels.get(old, old) or '–'} → {labels.get(new, new) or '–'}"
        else:
            yield f"{name}: {plain(old)} → {plain(new)}"


def _money(request: HttpRequest, enrollment: Enrollment, around: dict[str, Any]) -> Iterator[Happening]:
    payments = _permitted(request, Payment)
    if payments is None:
        return
    for payment in payments.filter(enrollment=enrollment)[:LIMIT]:
        yield Happening(
            "money", payment.succeeded_at or payment.created_at, _("Payment: %(money)s") % {"money": _dollars(payment)},
            [payment.get_source_display(), *filter(None, (payment.failure, payment.note))],
            url=_address(payment), tone=tone_of(payment.status), pill=payment.get_status_display(),
        )  # fmt: skip
    yield from _refunds(request, enrollment)
    yield from _disputes(request, enrollment)
    yield from _approvals(request, around)


def _refunds(request: HttpRequest, enrollment: Enrollment) -> Iterator[Happening]:
    refunds = _permitted(request, Refund)
    if refunds is None:
        return
    for refund in refunds.filter(payment__enrollment=enrollment)[:LIMIT]:
        yield Happening(
            "money", refund.created_at, _("Refund: %(money)s") % {"money": _dollars(refund)},
            list(filter(None, (refund.get_method_display(), refund.reference, refund.reason, refund.failure))),
            url=_address(refund), tone=tone_of(refund.status), pill=refund.get_status_display(),
        )  # fmt: skip


def _disputes(request: HttpRequest, enrollment: Enrollment) -> Iterator[Happening]:
    disputes = _permitted(request, Dispute)
    if disputes is None:
        return
    for dispute in disputes.filter(payment__enrollment=enrollment)[:LIMIT]:
        yield Happening(
            "money", dispute.opened_at, _("Dispute: %(money)s") % {"money": _dollars(dispute)},
            list(filter(None, (dispute.bank_reason, dispute.get_decision_display(), dispute.note))),
            url=_address(dispute),
            tone=tone_of(dispute.status), pill=dispute.get_status_display(),
        )  # fmt: skip


def _approvals(request: HttpRequest, around: dict[str, Any]) -> Iterator[Happening]:
    asked = _permitted(request, ApprovalRequest)
    if asked is None:
        return
    label = Payment._meta.label_lower
    for each in asked.about(label, around[label])[:LIMIT]:
        title = _("Approval asked: %(what)s") % {"what": f"{title_of(each.kind)} {each.money}".strip()}
        decided = f"{each.decider_name}: {each.decision_note}".strip(": ") if each.decided_by_id else ""
        yield Happening(
            "money", each.created_at, title, list(filter(None, (each.reason, decided, each.outcome))),
            label=each.requester_name, url=_address(each), tone=tone_of(each.status), pill=each.get_status_display(),
        )  # fmt: skip


def _mails(request: HttpRequest, around: dict[str, Any]) -> Iterator[Happening]:
    messages = _permitted(request, Message)
    if messages is None:
        return
    written = list(messages.filter(_about(around, "about_type", "about_id"))[:LIMIT])
    tries: dict[UUID, list[str]] = defaultdict(list)
    deliveries = _permitted(request, NotificationDelivery)
    if deliveries is not None and written:
        for delivery in deliveries.filter(message__in=written).order_by("attempt"):
            result = delivery.get_result_display()
            tries[delivery.message_id].append(
                f"{delivery.provider} #{delivery.attempt}: {result} {delivery.error}".strip()
            )
    for message in written:
        yield Happening(
            "mails", message.created_at, message.subject, [message.to, *tries[message.pk]], url=_address(message),
            tone=tone_of(message.state), pill=message.get_state_display(),
        )  # fmt: skip


def _jobs(request: HttpRequest, around: dict[str, Any]) -> Iterator[Happening]:
    jobs = _permitted(request, Job)
    if jobs is None:
        return
    for job in jobs.filter(_about(around, "subject_type", "subject_id"))[:LIMIT]:
        yield Happening(
            "jobs", job.finished_at or job.created_at, job.kind, list(filter(None, (job.result, job.last_error[:300]))),
            url=_address(job), tone=tone_of(job.state), pill=job.get_state_display(),
        )  # fmt: skip


def _evidence(request: HttpRequest, around: dict[str, Any]) -> Iterator[Happening]:
    events = _permitted(request, AuditEvent)
    if events is None:
        return
    for event in events.filter(_about(around, "target_type", "target_id"))[:LIMIT]:
        facts = [f"{name}: {value}" for name, value in event.payload.items() if value not in (None, "", [], {})]
        yield Happening(
            "evidence", event.at, event.act, [*filter(None, [event.reason]), *facts[:6]], who=event.actor_id,
            label=event.actor_label, url=_address(event),
        )  # fmt: skip


def _dollars(row: Any) -> str:
    return f"{row.amount_cents / 100:,.2f} {getattr(row, 'currency', 'USD')}"


def _address(row: Any) -> str:
    from admin_site.site import console  # noqa: PLC0415 -- rooms' admin classes import this module

    meta = row._meta
    return (
        reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
        if console.is_registered(type(row))
        else ""
    )
