"""Ask not to pay, and decide about it, before payment (28 CFR 58.21, 58.34)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from audit.services import record
from core import clock
from core.context import current_actor
from core.errors import DomainError
from core.money import format_minor
from core.transitions import transition
from enrollments.enums import NOT_BEGUN
from enrollments.guards import disclosure_guard
from enrollments.models import Enrollment
from notifications.services import notify
from payments.enums import WaiverClass, WaiverStatus
from payments.fees import is_settled
from payments.models import FeeWaiver
from payments.poverty import fee_waiver_presumption
from payments.services.receipts import course_address
from payments.services.sending import ask_to_close_pages
from payments.services.settlement import lock_for_fee, settle
from providers.fees import provider_fee_cents

ASKED_OR_GRANTED = (WaiverStatus.REQUESTED, WaiverStatus.GRANTED)


def request_guard(enrollment: Enrollment) -> DomainError | None:
    """Why no waiver can be asked for now: `payment_not_open`, `disclosure_required`, `already_paid`,
    `waiver_already_asked`; None when one can."""
    if enrollment.status not in NOT_BEGUN:
        return DomainError("payment_not_open")
    refusal = disclosure_guard(enrollment)
    if refusal is not None:
        return refusal
    if is_settled(enrollment):
        return DomainError("already_paid")
    if FeeWaiver.objects.filter(enrollment=enrollment, status__in=ASKED_OR_GRANTED).exists():
        return DomainError("waiver_already_asked")
    return None


@transaction.atomic
def request_waiver(
    enrollment: Enrollment, *, household_size: int, annual_income_cents: int, state: str, explanation: str = ""
) -> FeeWaiver:
    """The client's worksheet, judged by the guideline in force today and kept with its figures. Card pages that are
    still open are closed. DomainError as `request_guard` says."""
    locked = Enrollment.objects.locked().get(pk=enrollment.pk)
    refusal = request_guard(locked)
    if refusal is not None:
        raise refusal
    presumption = fee_waiver_presumption(household_size, annual_income_cents, state, clock.today())
    waiver = FeeWaiver.objects.create(
        provider_id=locked.provider_id,
        enrollment=locked,
        household_size=household_size,
        annual_income_cents=annual_income_cents,
        state=state,
        explanation=explanation,
        threshold_cents=presumption.threshold_cents,
        guideline_year=presumption.year,
        is_presumed=presumption.presumed,
    )
    record("feewaiver.requested", waiver, payload={"presumed": presumption.presumed, "year": presumption.year})
    ask_to_close_pages(locked, why=f"waiver-asked-{waiver.pk}")
    return waiver


@transaction.atomic
def withdraw_waiver(waiver: FeeWaiver) -> FeeWaiver:
    """The client takes the request back, to pay instead. DomainError `transition_not_allowed` once decided."""
    return transition(waiver, WaiverStatus.WITHDRAWN)


def grant_guard(waiver: FeeWaiver) -> DomainError | None:
    """Why nothing can be granted now: the fee is settled, or another request of the same enrollment stands."""
    if is_settled(waiver.enrollment):
        return DomainError("already_paid")
    others = FeeWaiver.objects.filter(enrollment_id=waiver.enrollment_id, status__in=ASKED_OR_GRANTED)
    return DomainError("waiver_superseded") if others.exclude(pk=waiver.pk).exists() else None


@transaction.atomic
def decide_waiver(waiver: FeeWaiver, *, grant: bool, note: str = "", reduced_fee_cents: int | None = None) -> FeeWaiver:
    """The provider's answer, mailed to the client. Granted without `reduced_fee_cents` waives all of the fee and opens
    the course; with it the client pays that much.

    The class for the activity report follows from the presumption. DomainError: `waiver_note_needed` for a denial
    without a reason, `waiver_fee_needed`, `already_paid`, `waiver_superseded`, `transition_not_allowed`.
    """
    locked = lock_for_fee(waiver.enrollment)
    waiver.enrollment = locked
    refusal = _decision_refusal(waiver, grant=grant, note=note, reduced_fee_cents=reduced_fee_cents)
    if refusal is not None:
        raise refusal
    actor = current_actor()
    decider = actor.user_id if actor else None
    changes: dict[str, Any] = {"decided_by_id": decider, "decided_at": clock.now(), "decision_note": note}
    if grant:
        changes |= {"waiver_class": _class(waiver, reduced_fee_cents), "reduced_fee_cents": reduced_fee_cents}
    status = WaiverStatus.GRANTED if grant else WaiverStatus.DENIED
    decided = transition(waiver, status, reason=note, changes=changes, payload={"reduced_fee_cents": reduced_fee_cents})
    if grant:
        ask_to_close_pages(locked, why=f"waiver-granted-{waiver.pk}")
    if grant and reduced_fee_cents is None:
        locked.has_fee_waiver = True
        locked.save(update_fields=["has_fee_waiver", "updated_at"])
        settle(locked)
    _tell_client(decided)
    return decided


def _decision_refusal(
    waiver: FeeWaiver, *, grant: bool, note: str, reduced_fee_cents: int | None
) -> DomainError | None:
    if not grant:
        return None if note.strip() else DomainError("waiver_note_needed")
    if reduced_fee_cents is not None and not 0 < reduced_fee_cents < provider_fee_cents(waiver.provider):
        return DomainError("waiver_fee_needed")
    return grant_guard(waiver)


def _class(waiver: FeeWaiver, reduced_fee_cents: int | None) -> WaiverClass:
    if not waiver.is_presumed:
        return WaiverClass.VOLUNTARY
    return WaiverClass.MANDATORY_FULL if reduced_fee_cents is None else WaiverClass.MANDATORY_PARTIAL


def _tell_client(waiver: FeeWaiver) -> None:
    enrollment = waiver.enrollment
    reduced = waiver.reduced_fee_cents
    notify(
        f"feewaiver.{waiver.status}",
        to=enrollment.client.email,
        language=enrollment.language,
        context={
            "organization_name": enrollment.provider.name,
            "first_name": enrollment.client.first_name,
            "note": waiver.decision_note,
            "reduced_fee": format_minor(reduced, locale=enrollment.language) if reduced else "",
            "link": course_address(enrollment),
        },
        dedupe_key=f"feewaiver:{waiver.pk}:{waiver.status}",
        organization=enrollment.provider_id,
        person=enrollment.client.user_id,
        about=enrollment,
    )
