"""A client's bank asks for the money back: mirror its word, tell finance, and say what we decided.

A certificate may not be withheld for want of payment (28 CFR 58.22(c), 58.35(c)), and services are given without regard
to the ability to pay (11 U.S.C. 111(c)(2)(B)). So a dispute holds the money and never the course or the certificate.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.enums import PlatformRole
from accounts.models import User
from audit.services import record
from core import clock
from core.errors import DomainError
from core.money import format_minor
from core.transitions import can_move, transition
from jobs.services import enqueue
from notifications.services import notify
from organizations.holders import members_holding, staff_holding
from payments.enums import DISPUTE_OPEN, DisputeDecision, DisputeStatus
from payments.models import Dispute, Payment
from payments.services.receipts import receipt_number

SEND = "payments.send_dispute_decision"
TELL = "payments.tell_dispute"
ANSWER = "payments.answer_dispute"
_STATUS = {
    "warning_needs_response": DisputeStatus.NEEDS_RESPONSE,
    "warning_under_review": DisputeStatus.UNDER_REVIEW,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
}


def project_dispute(payment: Payment, theirs: dict[str, Any]) -> Dispute:
    """Bring our row where the gateway says the dispute stands; a new one is told to finance. Repeating it changes
    nothing."""
    known = Dispute.objects.filter(gateway_id=theirs["id"]).first()
    if known is None:
        return _open(payment, theirs)
    facts = _facts(theirs)
    changed = {name: value for name, value in facts.items() if getattr(known, name) != value}
    to = _status(theirs)
    if known.status != to and can_move(known, to):
        closed = None if to in DISPUTE_OPEN else clock.now()
        return transition(known, to, changes=changed | {"closed_at": closed}, payload={"payment": payment.pk})
    if changed:
        for name, value in changed.items():
            setattr(known, name, value)
        known.save(update_fields=[*changed, "updated_at"])
    return known


def _open(payment: Payment, theirs: dict[str, Any]) -> Dispute:
    status = _status(theirs)
    dispute = Dispute.objects.create(
        payment=payment,
        gateway_id=theirs["id"],
        status=status,
        opened_at=_moment(theirs["created"]),
        closed_at=None if status in DISPUTE_OPEN else clock.now(),
        **_facts(theirs),
    )
    record("dispute.opened", dispute, payload={"amount_cents": dispute.amount_cents, "due": dispute.due_at})
    if status in DISPUTE_OPEN:
        key = f"dispute:{dispute.pk}:tell"
        enqueue(TELL, dispute, dedupe_key=key, organization=payment.provider_id)
    return dispute


def _facts(theirs: dict[str, Any]) -> dict[str, Any]:
    due = (theirs.get("evidence_details") or {}).get("due_by")
    return {
        "amount_cents": theirs["amount"],
        "currency": theirs["currency"].upper(),
        "cause": str(theirs.get("reason") or "")[:60],
        "is_inquiry": str(theirs["status"]).startswith("warning_"),
        "due_at": _moment(due) if due else None,
    }


def _status(theirs: dict[str, Any]) -> DisputeStatus:
    status = theirs["status"]
    return _STATUS[status] if status in _STATUS else DisputeStatus(status)


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def dispute_guard(dispute: Dispute) -> DomainError | None:
    """Why nothing can be decided about this dispute now; None when something can."""
    if dispute.status not in DISPUTE_OPEN:
        return DomainError("dispute_over", state=dispute.get_status_display())
    if dispute.decision != DisputeDecision.NONE and not dispute.failure:
        return DomainError("dispute_decided")
    return None


@transaction.atomic
def answer_dispute(dispute: Dispute, *, evidence: str) -> Dispute:
    """Send the bank our answer, by the worker. DomainError `dispute_answer_needed`, and as `dispute_guard` says."""
    if not evidence.strip():
        raise DomainError("dispute_answer_needed")
    return _decide(dispute, DisputeDecision.ANSWER, evidence=evidence.strip())


@transaction.atomic
def accept_dispute(dispute: Dispute, *, reason: str) -> Dispute:
    """Give in: the money stays with the client. DomainError `reason_required`, and as `dispute_guard` says."""
    if not reason.strip():
        raise DomainError("reason_required")
    return _decide(dispute, DisputeDecision.ACCEPT, reason=reason)


@transaction.atomic
def note_on_dispute(dispute: Dispute, *, note: str) -> Dispute:
    """Keep a note for colleagues; the bank never sees it. DomainError `reason_required` when it is empty."""
    if not note.strip():
        raise DomainError("reason_required")
    locked = Dispute.objects.locked().get(pk=dispute.pk)
    locked.note = note.strip()
    locked.save(update_fields=["note", "updated_at"])
    record("dispute.noted", locked)
    return locked


def _decide(dispute: Dispute, decision: DisputeDecision, *, evidence: str = "", reason: str = "") -> Dispute:
    locked = Dispute.objects.locked().get(pk=dispute.pk)
    refusal = dispute_guard(locked)
    if refusal is not None:
        raise refusal
    locked.decision, locked.evidence, locked.failure = decision, evidence, ""
    locked.save(update_fields=["decision", "evidence", "failure", "updated_at"])
    record(f"dispute.{decision}", locked, reason=reason)
    key = f"dispute:{locked.pk}:{decision}:{clock.now():%Y%m%dT%H%M%S%f}"
    enqueue(SEND, locked, dedupe_key=key, organization=locked.payment.provider_id)
    return locked


def tell_finance(dispute: Dispute) -> int:
    """Mail those of the organization and the platform's finance who may answer, once each; returns how many. In the
    worker, which sees everybody."""
    payment = dispute.payment
    people = {person.pk: person for person in members_holding(ANSWER, payment.provider_id)}
    people |= {person.pk: person for person in staff_holding(ANSWER).filter(platform_role=PlatformRole.FINANCE)}
    for person in people.values():
        with override(person.language):
            context = _mail_facts(dispute, person)
        notify(
            "dispute.opened", to=person.email, language=person.language, context=context,
            dedupe_key=f"dispute:{dispute.pk}:opened:{person.pk}", organization=payment.provider_id, person=person.pk,
            about=dispute,
        )  # fmt: skip
    return len(people)


def _mail_facts(dispute: Dispute, person: User) -> dict[str, Any]:
    payment = dispute.payment
    path = reverse("admin:payments_dispute_change", args=[dispute.pk])
    amount = format_minor(dispute.amount_cents, dispute.currency)
    due = date_format(localtime(dispute.due_at), "DATE_FORMAT") if dispute.due_at else ""
    return {
        "organization_name": payment.provider.name,
        "first_name": person.first_name or person.email,
        "amount": amount,
        "client": payment.enrollment.client.full_name,
        "due": due,
        "link": f"{settings.SITE_URL.rstrip('/')}{path}",
        "rows": [
            (_("Client"), payment.enrollment.client.full_name), (_("Amount"), amount),
            (_("Receipt number"), receipt_number(payment)), (_("The bank’s reason"), dispute.bank_reason),
            *([(_("Answer due"), due)] if due else []),
        ],
    }  # fmt: skip
