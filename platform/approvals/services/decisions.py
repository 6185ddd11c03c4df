"""Decide about what another person asked for: exactly once, on what was seen, never one's own."""

from __future__ import annotations

from django.db import transaction

from approvals.enums import RequestStatus
from approvals.kinds import find
from approvals.models import ApprovalRequest, Delegation
from approvals.services.requests import name_of, tell_requester
from approvals.services.sealing import is_as_seen
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from organizations.backends import allows


def decision_guard(request: ApprovalRequest) -> DomainError | None:
    """Why the acting person cannot decide about this request now; None when they can.

    `approval_decided`, `approval_expired`, `permission_denied`, `approval_own`, `approval_by_delegate`.
    """
    actor = current_actor()
    if request.status != RequestStatus.PENDING:
        return DomainError("approval_decided", state=request.get_status_display())
    if request.expires_at <= clock.now():
        return DomainError("approval_expired")
    if actor is None or actor.user_id is None or not allows(actor, find(request.kind).decide_permission, request):
        return DomainError("permission_denied")
    if actor.user_id == request.requester_id:
        return DomainError("approval_own")
    standing_in = Delegation.objects.filter(giver=request.requester_id, taker=actor.user_id)
    if standing_in.covering(request.kind, request.organization_id).in_force(since=request.created_at).exists():
        return DomainError("approval_by_delegate")
    return None


def approval_guard(request: ApprovalRequest) -> DomainError | None:
    """As `decision_guard`, and `approval_outdated` when the world is no longer as it was seen."""
    refusal = decision_guard(request)
    if refusal is None and not is_as_seen(request):
        return DomainError("approval_outdated")
    return refusal


@transaction.atomic
def approve_request(request: ApprovalRequest, *, note: str = "") -> ApprovalRequest:
    """Approve and carry out, in one transaction; the returned row's `outcome` says what followed.

    DomainError as `approval_guard` says, and whatever the act itself refuses; nothing is decided then.
    """
    locked = _locked(request)
    refusal = approval_guard(locked)
    if refusal is not None:
        raise refusal
    outcome = find(locked.kind).carry_out(locked)
    return _close(locked, RequestStatus.APPROVED, note=note, outcome=outcome)


@transaction.atomic
def deny_request(request: ApprovalRequest, *, note: str) -> ApprovalRequest:
    """Refuse. DomainError `reason_required` without a comment, and as `decision_guard` says."""
    if not note.strip():
        raise DomainError("reason_required")
    locked = _locked(request)
    refusal = decision_guard(locked)
    if refusal is not None:
        raise refusal
    return _close(locked, RequestStatus.DENIED, note=note)


def _locked(request: ApprovalRequest) -> ApprovalRequest:
    """The row under lock: of two who decide at once, the second finds it decided."""
    return ApprovalRequest.objects.locked().get(pk=request.pk)


def _close(request: ApprovalRequest, to: RequestStatus, *, note: str, outcome: str = "") -> ApprovalRequest:
    actor = current_actor()
    decider = actor.user_id if actor is not None else None
    changes = {
        "decided_by_id": decider,
        "decider_name": name_of(decider) if decider is not None else "",
        "decided_at": clock.now(),
        "decision_note": note.strip(),
        "outcome": outcome[:300],
    }
    payload = {"kind": request.kind, "amount_cents": request.amount_cents, "digest": request.digest}
    closed = transition(request, to, reason=note, changes=changes, payload=payload)
    tell_requester(closed)
    return closed
