"""Reads about approvals that pages and other rooms share."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from approvals.kinds import kinds
from approvals.models import ApprovalRequest
from approvals.querysets import RequestQuerySet
from core.context import Actor, current_actor
from organizations.backends import allows


def inbox(actor: Actor | None = None) -> RequestQuerySet:
    """What waits for this person (default: who acts): pending, of a kind they may decide there, not their own."""
    actor = actor or current_actor()
    found = Q(pk__in=[])
    for kind in kinds():
        if actor is not None and allows(actor, kind.decide_permission):
            rows = ApprovalRequest.objects.permitted_to(actor, kind.decide_permission).filter(kind=kind.code)
            found |= Q(pk__in=rows.values("pk"))
    own = Q(requester=actor.user_id) if actor is not None else Q()
    return ApprovalRequest.objects.pending().filter(found).exclude(own)


def open_request(kind: str, subject: Any) -> ApprovalRequest | None:
    """The request about `subject` that waits for a decision, if one does."""
    rows = ApprovalRequest.objects.pending().filter(kind=kind)
    return rows.about(subject._meta.label_lower, [str(subject.pk)]).first()
