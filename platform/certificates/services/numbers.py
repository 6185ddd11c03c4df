"""Official numbers: recorded by staff, drawn one by one. The simulator stands in for demonstrations only."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.services import record
from certificates import cgs
from certificates.enums import NumberStatus
from certificates.models import Certificate, CgsNumber
from core import clock
from core.errors import DomainError
from core.rules import RuleError
from core.sequences import next_number
from core.transitions import transition
from enrollments.models import Enrollment
from jobs.services import enqueue
from organizations.models import Organization
from providers.districts import all_districts, find

ISSUE_DUE = "certificates.issue_due"


@dataclass(frozen=True, slots=True)
class DrawnNumber:
    """The number for one certificate, and whether the simulator made it."""

    number: str
    is_simulated: bool


def draw_number(enrollment: Enrollment) -> DrawnNumber:
    """Take the number of the next certificate, in the caller's transaction: a roll-back gives it back.

    The simulator's when the provider is set to it. Otherwise an official one of the provider, service and district:
    first one drawn for this enrollment, then the lowest of the pool that nobody else is taking at the moment.
    DomainError `cgs_number_missing` when there is none; nothing is ever invented.
    """
    if enrollment.provider.provider_profile.simulates_numbers:
        return DrawnNumber(simulated_number(enrollment.kind, enrollment.district_id), is_simulated=True)
    taken = _take(enrollment)
    if taken is None:
        raise DomainError("cgs_number_missing", **_where(enrollment))
    used = transition(taken, NumberStatus.USED, changes={"enrollment": enrollment})
    return DrawnNumber(used.number, is_simulated=False)


def simulated_number(kind: str, court_id: str) -> str:
    """The next number of the simulator for a service and district; needs a transaction."""
    serial = next_number(f"simulated-certificate:{kind}:{court_id}")
    return str(cgs.SimulatedNumbers().number(kind=kind, court_id=court_id, serial=serial))


def _take(enrollment: Enrollment) -> CgsNumber | None:
    fitting = CgsNumber.objects.available().fitting(
        provider=enrollment.provider_id, kind=enrollment.kind, court_id=enrollment.district_id
    )
    unclaimed = fitting.select_for_update(skip_locked=True, of=("self",)).order_by("number")
    return unclaimed.filter(enrollment=enrollment).first() or unclaimed.filter(enrollment=None).first()


def _where(enrollment: Enrollment) -> dict[str, str]:
    return {"kind": str(enrollment.get_kind_display()), "district": find(enrollment.district_id).formal_name}


@transaction.atomic
def add_number(
    provider: Organization,
    text: str,
    *,
    kind: str,
    court_id: str,
    enrollment: Enrollment | None = None,
    batch: str = "",
) -> CgsNumber:
    """Record a number that the government's system gave out, as typed or pasted. `enrollment` reserves it.

    What waits for numbers is looked at again soon after. DomainError `cgs_number_invalid`, `cgs_number_simulated`,
    `cgs_number_wrong_kind`, `cgs_number_wrong_district`, `cgs_number_wrong_agency`, `cgs_number_taken`,
    `cgs_number_other_enrollment`, `unknown_court`.
    """
    number = _checked(provider, text, kind=kind, court_id=court_id)
    if enrollment is not None and (enrollment.provider_id, enrollment.kind, enrollment.district_id) != (
        provider.pk, kind, court_id,
    ):  # fmt: skip
        raise DomainError("cgs_number_other_enrollment")
    row = CgsNumber(
        provider=provider, kind=kind, district_id=court_id, number=number, enrollment=enrollment, batch=batch
    )
    if is_recorded(number):
        raise DomainError("cgs_number_taken")
    row.save(force_insert=True)
    record("cgsnumber.recorded", row, payload={"kind": kind, "court_id": court_id, "batch": batch})
    look_again(provider.pk)
    return row


def read_number(text: str) -> tuple[str, str, str]:
    """A typed number in its official spelling, with the service and the court's id that stand in it. DomainError
    `cgs_number_invalid`, `unknown_court`."""
    try:
        parts = cgs.parse(text)
    except RuleError as error:
        raise DomainError(error.code) from None
    courts = {district.cert_abbrev: court_id for court_id, district in all_districts().items()}
    if parts.district not in courts:
        raise DomainError("unknown_court")
    return str(parts), parts.kind, courts[parts.district]


def is_recorded(number: str) -> bool:
    """Whether the number stands on a certificate or in the pool, as far as the caller may see."""
    return CgsNumber.objects.filter(number=number).exists() or Certificate.objects.filter(number=number).exists()


def _checked(provider: Organization, text: str, *, kind: str, court_id: str) -> str:
    try:
        number = cgs.check_official(text, kind=kind, court_id=court_id)
    except RuleError as error:
        raise DomainError(error.code) from None
    agency = provider.provider_profile.agency_number
    if agency and number.agency.lstrip("0") != agency.lstrip("0"):
        raise DomainError("cgs_number_wrong_agency", agency=agency)
    return str(number)


def look_again(provider: UUID) -> None:
    """Let the issuer look at once, at most once a minute for each provider; it looks by itself anyway."""
    enqueue(ISSUE_DUE, dedupe_key=f"{ISSUE_DUE}:{provider}:{clock.now():%Y%m%dT%H%M}", organization=provider)


def void_number(number: CgsNumber, *, reason: str) -> CgsNumber:
    """Take a number out of the pool for good. DomainError `reason_required`, `transition_not_allowed`."""
    if not reason.strip():
        raise DomainError("reason_required")
    return transition(number, NumberStatus.VOID, reason=reason)
