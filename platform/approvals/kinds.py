"""What can be approved: business rooms declare their kinds here when they are ready; this room knows none of them.

declare_kind(ApprovalKind(
    code="payments.refund",
    title=_("Refund"),
    request_permission="payments.refund_payment",
    decide_permission="payments.approve_refund",
    facts=refund_facts,       # what the decider reads, in the active language
    seen=refund_seen,         # the state of the world that the decision rests on
    carry_out=refund_it,      # the act, in the decision's own transaction
    free_cents=10_000,        # up to this much one person suffices; None: always, unless an organization says less
))
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

if TYPE_CHECKING:
    from approvals.models import ApprovalRequest

Fact = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """One kind of act. `facts`, `seen` and `carry_out` take the request; `seen` must return JSON and hold whatever
    makes the act another one when it changes. `carry_out` returns a sentence and raises a DomainError to refuse."""

    code: str
    title: str | Promise
    request_permission: str
    decide_permission: str
    facts: Callable[[ApprovalRequest], Sequence[Fact]]
    seen: Callable[[ApprovalRequest], Mapping[str, Any]]
    carry_out: Callable[[ApprovalRequest], str]
    free_cents: int | None = None
    lasts: dt.timedelta = dt.timedelta(days=7)


_KINDS: dict[str, ApprovalKind] = {}


def declare_kind(kind: ApprovalKind) -> None:
    """Add a kind; ValueError for a code said twice."""
    if kind.code in _KINDS:
        raise ValueError(f"The approval kind {kind.code!r} is declared twice.")
    _KINDS[kind.code] = kind


def find(code: str) -> ApprovalKind:
    """The kind of `code`; KeyError when no room declares it."""
    return _KINDS[code]


def kinds() -> Sequence[ApprovalKind]:
    """Every declared kind."""
    return tuple(_KINDS.values())


def title_of(code: str) -> str:
    """What a kind is called, also one that is no longer declared."""
    return str(_KINDS[code].title) if code in _KINDS else code
