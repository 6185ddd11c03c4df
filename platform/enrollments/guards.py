"""What stands between an enrollment and its next step. Page, console and API ask the same functions.

A guard takes an enrollment and answers with a refusal or None. Rooms above add theirs with `add_guards`, so that
`why_blocked` knows the whole journey.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from django.utils.translation import gettext as _

from core import clock
from core.errors import DomainError
from enrollments.disclosures import current_disclosures
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from organizations.models import Organization
from providers.districts import find
from providers.enums import CourseKind
from providers.fees import provider_fee_cents
from providers.services.standing import refuse_unserved

Guard = Callable[[Enrollment], DomainError | None]


def disclosure_guard(enrollment: Enrollment) -> DomainError | None:
    """`disclosure_required` until the current version of the disclosures is acknowledged."""
    if enrollment.acknowledgements.filter(disclosures=current_disclosures(enrollment.kind)).exists():
        return None
    return DomainError("disclosure_required")


def details_guard(enrollment: Enrollment) -> DomainError | None:
    """`details_required` while what the certificate or the records need is missing, naming it."""
    missing = missing_details(enrollment)
    return DomainError("details_required", missing=", ".join(missing)) if missing else None


def missing_details(enrollment: Enrollment) -> list[str]:
    """Labels of what is still to be told; for debtor education the chapter and the case number, which the records
    must hold (11 U.S.C. 111(d)(1)(F))."""
    client = enrollment.client
    wanted = {
        _("first name"): client.first_name,
        _("last name"): client.last_name,
        _("birth date"): client.birth_date,
        _("last four digits of the Social Security number"): client.ssn_last4,
    }
    if enrollment.kind == CourseKind.DE:
        wanted |= {_("chapter"): enrollment.chapter, _("case number"): enrollment.case_number}
    return [label for label, value in wanted.items() if not value]


def payment_guard(enrollment: Enrollment) -> DomainError | None:
    """`payment_required` unless the fee is waived or nothing, or a payment of the enrollment or its household
    succeeded; one that is pending, failed or disputed does not count."""
    if enrollment.has_fee_waiver or enrollment.payments.succeeded().exists():
        return None
    if enrollment.household is not None and enrollment.household.payments.succeeded().exists():
        return None
    provider = provider_in_sight(enrollment)
    return DomainError("payment_required") if provider is None or provider_fee_cents(provider) else None


def district_guard(enrollment: Enrollment) -> DomainError | None:
    """`district_not_approved` when the provider's approval for this service and district does not hold today, since a
    certificate could not be issued; `provider_not_open` to the client of a closed provider."""
    provider = provider_in_sight(enrollment)
    if provider is None:
        return DomainError("provider_not_open")
    today = clock.today(find(enrollment.district_id).time_zone)
    return refuse_unserved(provider, enrollment.district_id, enrollment.kind, today)


def provider_in_sight(enrollment: Enrollment) -> Organization | None:
    """The provider, or None where it is closed and therefore hidden from the reader."""
    try:
        return enrollment.provider
    except Organization.DoesNotExist:
        return None


ACCEPTANCE: tuple[Guard, ...] = (disclosure_guard, payment_guard)
BEGINNING: tuple[Guard, ...] = (district_guard, details_guard)
_STEPS: defaultdict[str, list[Guard]] = defaultdict(
    list,
    {
        EnrollmentStatus.INVITED.value: [district_guard, disclosure_guard, details_guard, payment_guard],
        EnrollmentStatus.ENROLLED.value: [*BEGINNING],
    },
)


def add_guards(status: EnrollmentStatus, *guards: Guard) -> None:
    """Declare what an enrollment in `status` has to pass on its way on; for rooms above, when they are ready."""
    _STEPS[status].extend(guard for guard in guards if guard not in _STEPS[status])


def why_blocked(enrollment: Enrollment) -> list[DomainError]:
    """Every refusal that stands before the enrollment's next step, each once, in the order in which they can be dealt
    with; empty when the way is free or there is no next step."""
    found: dict[str, DomainError] = {}
    for guard in _STEPS[enrollment.status]:
        refusal = guard(enrollment)
        if refusal is not None:
            found.setdefault(refusal.code, refusal)
    return list(found.values())
