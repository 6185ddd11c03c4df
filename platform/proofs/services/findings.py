"""What a comparison finds: one finding per thing that does not fit, written once however often it is seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from core import clock
from core.transitions import transition
from payments.models import Payment
from proofs.enums import DifferenceKind, DifferenceStatus
from proofs.models import ProofDifference, ProofRun

INSIDE = frozenset({DifferenceKind.REFUNDED_SUM, DifferenceKind.FEE_NOT_SETTLED, DifferenceKind.FEE_NEVER_PAID})
_SEEN = ("ours", "theirs", "ours_cents", "theirs_cents")


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as it is seen now; `about` is the id that makes it the same difference the next night."""

    kind: DifferenceKind
    about: str
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.about}"


def of_payment(payment: Payment, **facts: Any) -> dict[str, Any]:
    """The facts of a finding about one of our payments: whose it is, both sides where they are known, and when."""
    own = {
        "provider_id": payment.provider_id,
        "payment_id": payment.pk,
        "gateway_id": payment.payment_intent_id,
        "ours": payment.status,
        "ours_cents": payment.amount_cents,
        "happened_at": payment.succeeded_at or payment.created_at,
    }
    return own | facts


def keep(run: ProofRun, findings: Iterable[Finding]) -> tuple[int, int]:
    """Write what a proof found: new differences, old ones that are seen again, and fixed those that are not seen any
    more; returns how many are new or back, and how many are gone."""
    seen = {finding.key: finding for finding in findings}
    known = {row.key: row for row in ProofDifference.objects.filter(key__in=seen)}
    new = 0
    for key, finding in seen.items():
        row = known.get(key)
        if row is None:
            ProofDifference.objects.create(
                key=key, kind=finding.kind, first_seen=run, last_seen=run, **finding.facts
            )  # fmt: skip
            new += 1
        else:
            new += _see_again(run, row, finding.facts)
    gone = list(_looked_at(run).exclude(status=DifferenceStatus.FIXED).exclude(key__in=seen))
    for row in gone:
        close(row)
    return new, len(gone)


def close(difference: ProofDifference) -> ProofDifference:
    """Mark a difference that is there no longer."""
    return transition(difference, DifferenceStatus.FIXED, changes={"resolved_at": clock.now()})


def _see_again(run: ProofRun, row: ProofDifference, found: dict[str, Any]) -> int:
    """1 when the difference is back: it was fixed, or it was explained and now stands otherwise."""
    facts: dict[str, Any] = {name: found[name] for name in _SEEN if name in found}
    stands_otherwise = any(getattr(row, name) != value for name, value in facts.items())
    facts["last_seen"] = run
    if row.status == DifferenceStatus.FIXED or (row.status == DifferenceStatus.EXPLAINED and stands_otherwise):
        transition(row, DifferenceStatus.OPEN, changes=facts | {"resolved_at": None, "explanation": ""})
        return 1
    for name, value in facts.items():
        setattr(row, name, value)
    row.save(update_fields=[*facts, "updated_at"])
    return 0


def _looked_at(run: ProofRun) -> Any:
    """The differences that this proof would have seen again: those inside our books, and those of its span."""
    looked = Q(kind__in=INSIDE)
    if run.asked_gateway:
        looked |= Q(happened_at__gte=run.since, happened_at__lt=run.until)
    return ProofDifference.objects.filter(looked)


def moment(seconds: int) -> dt.datetime:
    """A moment of the gateway's."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
