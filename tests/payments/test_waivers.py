"""Ask not to pay, before paying; the provider decides."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine

from core.errors import DomainError
from enrollments.enums import EnrollmentStatus
from enrollments.models import Enrollment
from notifications.models import Message
from payments.enums import WaiverClass, WaiverStatus
from payments.fees import fee_cents
from payments.models import FeeWaiver
from payments.services.waivers import decide_waiver, withdraw_waiver
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.payments.people import acting_as, asked, fresh, household, invited

pytestmark = pytest.mark.django_db


def decided(world: World, waiver: FeeWaiver, name: str = "provider_admin_a", **answer: Any) -> FeeWaiver:
    with acting_as(world, name):
        return decide_waiver(waiver, **{"grant": True, **answer})


def refused(world: World, enrollment: Enrollment) -> str:
    with pytest.raises(DomainError) as caught:
        asked(world, enrollment)
    return caught.value.code


def mail(event: str) -> str:
    with as_system():
        return Message.objects.get(event=event).text_body


def test_the_worksheet_is_kept_with_the_figures_it_was_judged_by(world: World) -> None:
    with time_machine.travel(date(2026, 6, 1), tick=False):
        waiver = asked(world, invited(world), household_size=3, annual_income_cents=4_097_999, state="CA")
        line = asked(world, invited(world), household_size=3, annual_income_cents=4_098_000, state="CA")
        north = asked(world, invited(world), household_size=1, annual_income_cents=2_992_499, state="AK")

    assert (waiver.threshold_cents, waiver.guideline_year, waiver.is_presumed) == (4_098_000, 2026, True)
    assert (line.threshold_cents, line.is_presumed) == (4_098_000, False)
    assert (north.threshold_cents, north.is_presumed) == (2_992_500, True)


def test_all_of_the_fee_waived_opens_the_course(world: World) -> None:
    """CERT-81."""
    enrollment = invited(world)

    waiver = decided(world, asked(world, enrollment))

    assert (waiver.status, waiver.waiver_class) == (WaiverStatus.GRANTED, WaiverClass.MANDATORY_FULL)
    assert (waiver.decided_by_id, waiver.decided_at is not None) == (world.provider_admin_a.pk, True)
    assert (fresh(enrollment).has_fee_waiver, fresh(enrollment).status) == (True, EnrollmentStatus.ENROLLED)
    assert "waived your fee" in mail("feewaiver.granted")


def test_a_reduced_fee_is_what_the_client_pays(world: World) -> None:
    enrollment = invited(world)

    waiver = decided(world, asked(world, enrollment), reduced_fee_cents=1500)

    assert waiver.waiver_class == WaiverClass.MANDATORY_PARTIAL
    assert fresh(enrollment).status == EnrollmentStatus.INVITED
    with as_system():
        assert fee_cents(fresh(enrollment)) == 1500
    assert "You pay $15.00." in mail("feewaiver.granted")


def test_a_waiver_without_the_presumption_counts_as_voluntary(world: World) -> None:
    rich = {"annual_income_cents": 9_000_000}

    full = decided(world, asked(world, invited(world), **rich))
    part = decided(world, asked(world, invited(world), **rich), reduced_fee_cents=100)

    assert (full.waiver_class, part.waiver_class) == (WaiverClass.VOLUNTARY, WaiverClass.VOLUNTARY)


def test_a_denial_needs_a_note_which_the_client_reads(world: World) -> None:
    enrollment = invited(world)
    waiver = asked(world, enrollment)
    with pytest.raises(DomainError) as caught:
        decided(world, waiver, grant=False, note=" ")
    assert caught.value.code == "waiver_note_needed"

    denied = decided(world, waiver, grant=False, note="Your figures show savings.")

    assert (denied.status, denied.waiver_class) == (WaiverStatus.DENIED, "")
    assert fresh(enrollment).status == EnrollmentStatus.INVITED
    assert "Your figures show savings." in mail("feewaiver.denied")


@pytest.mark.parametrize("cents", [0, -5, 5000, 6000])
def test_a_reduced_fee_lies_between_nothing_and_the_fee(world: World, cents: int) -> None:
    waiver = asked(world, invited(world))

    with pytest.raises(DomainError) as caught:
        decided(world, waiver, reduced_fee_cents=cents)

    assert caught.value.code == "waiver_fee_needed"


def test_one_request_at_a_time_and_again_after_a_denial_or_a_withdrawal(world: World) -> None:
    enrollment = invited(world)
    first = asked(world, enrollment)
    assert refused(world, enrollment) == "waiver_already_asked"
    decided(world, first, grant=False, note="No.")
    second = asked(world, enrollment)
    with acting_as(world, "client_user_a"):
        withdraw_waiver(second)

    third = asked(world, enrollment)

    assert [fresh(each).status for each in (first, second, third)] == [
        WaiverStatus.DENIED, WaiverStatus.WITHDRAWN, WaiverStatus.REQUESTED,
    ]  # fmt: skip
    with pytest.raises(DomainError) as caught:
        decided(world, first)
    assert caught.value.code == "waiver_superseded"


def test_a_denial_may_be_turned_into_a_grant(world: World) -> None:
    enrollment = invited(world)
    denied = decided(world, asked(world, enrollment), grant=False, note="Proof is missing.")

    decided(world, denied, note="The proof came.")

    assert fresh(enrollment).status == EnrollmentStatus.ENROLLED


def test_nobody_asks_before_the_disclosures_after_paying_or_in_the_course(world: World) -> None:
    unread, paid, begun = invited(world, acknowledged=False), invited(world), invited(world)
    with as_system():
        cases.make_payment(paid)
        Enrollment.objects.filter(pk=begun.pk).update(status=EnrollmentStatus.IN_PROGRESS)

    assert refused(world, unread) == "disclosure_required"
    assert refused(world, paid) == "already_paid"
    assert refused(world, begun) == "payment_not_open"


def test_what_is_paid_is_refunded_and_not_waived(world: World) -> None:
    enrollment = invited(world)
    waiver = asked(world, enrollment)
    with as_system():
        cases.make_payment(enrollment)

    with pytest.raises(DomainError) as caught:
        decided(world, waiver)

    assert caught.value.code == "already_paid"


def test_one_spouses_waiver_does_not_cover_the_other(world: World) -> None:
    mine, theirs = household(world)

    decided(world, asked(world, mine))

    assert (fresh(mine).status, fresh(theirs).status) == (EnrollmentStatus.ENROLLED, EnrollmentStatus.INVITED)


def test_neither_another_client_nor_another_provider_reaches_a_request(world: World) -> None:
    foreign = invited(world, "b")
    waiver = asked(world, foreign, "client_user_b")

    for name in ("client_user_a", "provider_admin_a", "attorney_b", "stranger"):
        with acting_as(world, name) as actor:
            assert not FeeWaiver.objects.filter(pk=waiver.pk).exists()
            assert not FeeWaiver.objects.visible_to(actor).filter(pk=waiver.pk).exists()
    with pytest.raises(Enrollment.DoesNotExist):
        asked(world, foreign, "client_user_a")
