"""Name somebody to stand in for a time."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from accounts.models import User
from approvals.enums import DelegationStatus
from approvals.kinds import ApprovalKind, kinds
from approvals.models import Delegation
from audit.services import record
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.transitions import transition
from organizations.actors import load_actor
from organizations.backends import allows
from organizations.models import Organization

LONGEST = dt.timedelta(days=90)


@transaction.atomic
def name_delegate(
    taker: User,
    *,
    organization: Organization | None,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    kind: str = "",
    reason: str = "",
) -> Delegation:
    """The acting person names `taker`, who must hold the same right to decide, to stand in for them.

    DomainError: `permission_denied`, `delegate_self`, `delegate_not_able`, `delegation_period`.
    """
    actor = current_actor()
    if actor is None or actor.user_id is None:
        raise DomainError("permission_denied")
    if taker.pk == actor.user_id:
        raise DomainError("delegate_self")
    if not dt.timedelta() < ends_at - starts_at <= LONGEST or ends_at <= clock.now():
        raise DomainError("delegation_period")
    theirs = load_actor(taker)
    mine = [each for each in kinds() if kind in ("", each.code) and allows(actor, each.decide_permission, organization)]
    if not mine:
        raise DomainError("permission_denied")
    if not taker.is_active or not all(allows(theirs, each.decide_permission, organization) for each in mine):
        raise DomainError("delegate_not_able")
    giver = User.objects.get(pk=actor.user_id)
    delegation = Delegation.objects.create(
        organization=organization,
        giver=giver,
        giver_name=str(giver)[:254],
        taker=taker,
        taker_name=str(taker)[:254],
        kind=kind,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
    )
    record("delegation.named", delegation, reason=reason, payload={"taker": taker.pk, "until": ends_at})
    return delegation


@transaction.atomic
def end_delegation(delegation: Delegation) -> Delegation:
    """Take the task back early. DomainError `transition_not_allowed` when it has ended."""
    return transition(delegation, DelegationStatus.ENDED, changes={"ended_at": clock.now()})


def decidable_kinds() -> list[ApprovalKind]:
    """The kinds that the acting person may decide somewhere."""
    actor = current_actor()
    return [kind for kind in kinds() if actor is not None and allows(actor, kind.decide_permission)]
