"""Is this certificate real? Anyone may ask, and learns no more than the paper in their hand needs."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Any

from certificates.codes import as_typed
from certificates.facts import completed_at
from certificates.models import Certificate
from core.context import presenting

DOTS = "••••"


class Standing(enum.StrEnum):
    """What a code stands for."""

    VALID = "valid"
    REPLACED = "replaced"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to one code. Every answer has the same parts; of an unknown code all but `standing` are empty.

    `name` is masked: its initials, to be compared with the paper. `completed_on` is the day on the court's clock,
    `closed_on` the UTC day of replacement or revocation.
    """

    standing: Standing
    is_simulated: bool = False
    kind: str = ""
    number: str = ""
    agency: str = ""
    district: str = ""
    name: str = ""
    completed_on: dt.date | None = None
    issued_on: dt.date | None = None
    closed_on: dt.date | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON answer."""
        return {
            "state": str(self.standing),
            "simulated": self.is_simulated,
            "kind": self.kind or None,
            "number": self.number or None,
            "agency": self.agency or None,
            "district": self.district or None,
            "client": self.name or None,
            "completed_on": self.completed_on,
            "issued_on": self.issued_on,
            "closed_on": self.closed_on,
        }


def masked(name: str) -> str:
    """Initials, and dots that tell nothing about the length: `María José Núñez` → `M•••• J•••• N••••`."""
    return " ".join(word[0] + DOTS for word in name.split())


def verify(code: str) -> Verification:
    """What a code as typed or scanned stands for: one look-up, whatever the code. Works without a signed-in person."""
    key = as_typed(code)
    with presenting(key):
        found = Certificate.objects.filter(verification_code=key).first()
    return Verification(Standing.UNKNOWN) if found is None else _answer(found)


def _answer(certificate: Certificate) -> Verification:
    facts = certificate.facts
    completed = completed_at(certificate)
    return Verification(
        standing=Standing(certificate.status),
        is_simulated=certificate.is_simulated,
        kind=certificate.kind,
        number=certificate.number,
        agency=facts["agency_name"],
        district=facts["district_name"],
        name=masked(facts["client_name"]),
        completed_on=completed.date(),
        issued_on=certificate.issued_at.astimezone(completed.tzinfo).date(),
        closed_on=certificate.closed_at.date() if certificate.closed_at else None,
    )
