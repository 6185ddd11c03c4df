"""Ask another person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import models, transaction

from accounts.models import User
from approvals.enums import RequestStatus
from approvals.kinds import find
from approvals.models import ApprovalRequest
from approvals.queries import open_request
from approvals.services.sealing import digest_of
from audit.services import record
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from jobs.services import enqueue
from organizations.backends import allows

TELL_DECIDERS = "approvals.tell_deciders"
TELL_REQUESTER = "approvals.tell_requester"


@transaction.atomic
def request_approval(
    kind: str,
    subject: models.Model,
    *,
    params: Mapping[str, Any],
    reason: str,
    idempotency_key: str,
    organization: UUID | None,
    amount_cents: int | None = None,
    currency: str = "USD",
    label: str = "",
) -> ApprovalRequest:
    """Ask for an act that another person must approve; those who may decide get a mail.

    `params` are JSON and say all that is to be done; `idempotency_key` names this wish, so that asking twice makes one
    request. DomainError: `reason_required`, `permission_denied`, `approval_open` when another request about the same
    record waits.
    """
    declared = find(kind)
    actor = current_actor()
    if not reason.strip():
        raise DomainError("reason_required")
    if actor is None or actor.user_id is None or not allows(actor, declared.request_permission, subject):
        raise DomainError("permission_denied")
    known = ApprovalRequest.objects.filter(idempotency_key=idempotency_key).first()
    if known is not None:
        return known
    # Two people who ask about the same record at once: the second waits here for the first, then finds their request.
    type(subject)._base_manager.select_for_update(of=("self",)).get(pk=subject.pk)
    if open_request(kind, subject) is not None:
        raise DomainError("approval_open")
    request = ApprovalRequest(
        organization_id=organization,
        kind=kind,
        subject_type=subject._meta.label_lower,
        subject_id=str(subject.pk),
        subject_label=(label or str(subject))[:200],
        params=dict(params),
        amount_cents=amount_cents,
        currency=currency,
        idempotency_key=idempotency_key,
        reason=reason.strip(),
        requester_id=actor.user_id,
        requester_name=name_of(actor.user_id),
        expires_at=clock.now() + declared.lasts,
    )
    request.digest = digest_of(request)
    request.save(force_insert=True)
    record("approvalrequest.asked", request, reason=reason, payload={"kind": kind, "amount_cents": amount_cents})
    enqueue(TELL_DECIDERS, request, dedupe_key=f"approval:{request.pk}:tell-deciders", organization=organization)
    return request


@transaction.atomic
def withdraw_request(request: ApprovalRequest) -> ApprovalRequest:
    """Take an own request back. DomainError `approval_not_yours`, `approval_decided`."""
    locked = ApprovalRequest.objects.locked().get(pk=request.pk)
    refusal = withdraw_guard(locked)
    if refusal is not None:
        raise refusal
    return transition(locked, RequestStatus.WITHDRAWN, changes={"decided_at": clock.now()})


def withdraw_guard(request: ApprovalRequest) -> DomainError | None:
    """Why the acting person cannot take this request back now; None when they can."""
    actor = current_actor()
    if request.status != RequestStatus.PENDING:
        return DomainError("approval_decided", state=request.get_status_display())
    if actor is None or actor.user_id != request.requester_id:
        return DomainError("approval_not_yours")
    return None


@transaction.atomic
def expire_overdue() -> int:
    """Close what nobody decided in time, and tell who asked; returns how many."""
    overdue = list(ApprovalRequest.objects.overdue().locked())
    for request in overdue:
        transition(request, RequestStatus.EXPIRED, changes={"decided_at": clock.now()})
        tell_requester(request)
    return len(overdue)


def tell_requester(request: ApprovalRequest) -> None:
    """Have the worker mail the outcome to who asked."""
    key = f"approval:{request.pk}:tell-requester"
    enqueue(TELL_REQUESTER, request, dedupe_key=key, organization=request.organization_id)


def name_of(user_id: UUID) -> str:
    """How a person is shown on the record; their id when the acting person may not see them."""
    person = User.objects.filter(pk=user_id).first()
    return (str(person) if person is not None else str(user_id))[:254]
