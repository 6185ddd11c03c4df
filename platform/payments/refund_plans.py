"""What a refund is to be, before anything is decided: which payments, how much of each, and the way back."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from payments.enums import RefundCause, RefundMethod


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """`lines` maps payments to cents. `key` names the wish for ever: refunds and request made from it carry it, so
    that sending the same form twice gives back once."""

    lines: tuple[tuple[UUID, int], ...]
    reason: str
    method: RefundMethod = RefundMethod.CARD
    cause: RefundCause = RefundCause.OTHER
    reference: str = ""
    notify: bool = True
    key: UUID = field(default_factory=uuid.uuid4)

    @property
    def total_cents(self) -> int:
        return sum(cents for _payment, cents in self.lines)

    def refund_id(self, payment: UUID) -> UUID:
        """The id of the refund that this plan makes of a payment."""
        return uuid.uuid5(self.key, str(payment))

    def as_params(self) -> dict[str, Any]:
        """The plan as JSON."""
        return {
            "lines": [[str(payment), cents] for payment, cents in sorted(self.lines)],
            "reason": self.reason,
            "method": str(self.method),
            "cause": str(self.cause),
            "reference": self.reference,
            "notify": self.notify,
            "key": str(self.key),
        }

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """The plan that `as_params` wrote; KeyError or ValueError for anything else."""
        return cls(
            lines=tuple((UUID(payment), int(cents)) for payment, cents in params["lines"]),
            reason=params["reason"],
            method=RefundMethod(params["method"]),
            cause=RefundCause(params["cause"]),
            reference=params["reference"],
            notify=bool(params["notify"]),
            key=UUID(params["key"]),
        )


def split_cents(total: int, lefts: list[int]) -> list[int]:
    """Share `total` cents among payments in proportion to what is left of each; the parts sum to `total` exactly and
    none exceeds its share by a cent or its payment at all. ValueError unless 0 <= total <= sum(lefts)."""
    whole = sum(lefts)
    if not 0 <= total <= whole:
        raise ValueError(f"{total} cents cannot come out of {whole}.")
    if total == 0:
        return [0] * len(lefts)
    parts = [total * left // whole for left in lefts]
    # What rounding down left over goes to those who lost most by it; the first of equals.
    by_loss = sorted(range(len(lefts)), key=lambda at: (-(total * lefts[at] % whole), at))
    for at in by_loss[: total - sum(parts)]:
        parts[at] += 1
    return parts
