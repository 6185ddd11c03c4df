"""Where a provider may serve, and when it may not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from core import clock
from core.context import ANONYMOUS, acting
from core.errors import DomainError
from organizations.actors import load_actor
from organizations.enums import ApprovalStatus
from organizations.models import Organization
from providers.enums import DistrictApprovalStatus
from providers.fees import provider_fee_cents
from providers.languages import language_list
from providers.models import DistrictApproval
from providers.services.approvals import add_district_approval, end_district_approval
from providers.services.standing import approve_and_activate, reinstate_provider, serves, suspend_provider
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 1, 15)


def as_admin(world: World) -> Any:
    with as_system():
        actor = load_actor(world.platform_admin)
    return acting(actor)


def test_a_first_approval_is_probationary_and_a_later_one_lasts_a_year(world: World) -> None:
    """11 U.S.C. 111(b)(3), (4)."""
    provider = world.provider_a

    with as_admin(world):
        first = add_district_approval(provider, "nysb", "CC", valid_from=DAY, valid_to=dt.date(2026, 7, 15))
        later = add_district_approval(
            provider, "nysb", "CC", valid_from=dt.date(2026, 7, 16), valid_to=dt.date(2027, 7, 16)
        )

    assert (first.status, later.status) == (DistrictApprovalStatus.PROBATIONARY, DistrictApprovalStatus.APPROVED)


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "code"),
    [
        (DAY, dt.date(2026, 7, 16), "approval_too_long"),
        (DAY, DAY, "approval_ends_before_it_begins"),
    ],
)
def test_a_first_approval_lasts_six_months_at_most(
    world: World, valid_from: dt.date, valid_to: dt.date, code: str
) -> None:
    with as_admin(world), pytest.raises(DomainError) as refused:
        add_district_approval(world.provider_a, "nysb", "DE", valid_from=valid_from, valid_to=valid_to)

    assert refused.value.code == code


def test_approvals_of_one_district_and_service_do_not_overlap(world: World) -> None:
    today = clock.today()

    with as_admin(world), pytest.raises(DomainError) as refused:
        add_district_approval(world.provider_a, "cacb", "CC", valid_from=today, valid_to=today + dt.timedelta(days=300))

    assert refused.value.code == "approval_overlaps"


def test_counseling_is_approved_for_nonprofits_only(world: World) -> None:
    provider = world.provider_a
    with as_system():
        provider.provider_profile.is_nonprofit = False
        provider.provider_profile.save()

    with as_admin(world):
        with pytest.raises(DomainError) as refused:
            add_district_approval(provider, "nysb", "CC", valid_from=DAY, valid_to=dt.date(2026, 6, 1))
        education = add_district_approval(provider, "nysb", "DE", valid_from=DAY, valid_to=dt.date(2026, 6, 1))

    assert refused.value.code == "nonprofit_required"
    assert education.kind == "DE"


def test_an_approval_holds_from_its_first_to_its_last_day_for_its_district_and_service(world: World) -> None:
    provider = world.provider_a
    with as_admin(world):
        add_district_approval(provider, "nysb", "DE", valid_from=DAY, valid_to=dt.date(2026, 6, 1))

    answers = [
        serves(provider, "nysb", "DE", DAY - dt.timedelta(days=1)),
        serves(provider, "nysb", "DE", DAY),
        serves(provider, "nysb", "DE", dt.date(2026, 6, 1)),
        serves(provider, "nysb", "DE", dt.date(2026, 6, 2)),
        serves(provider, "nysb", "CC", DAY),
        serves(provider, "nyeb", "DE", DAY),
        serves(world.provider_b, "nysb", "DE", DAY),
    ]

    assert answers == [False, True, True, False, False, False, False]


def test_an_approval_that_is_ended_holds_no_longer(world: World) -> None:
    approval, today = world.approval_cc_a, clock.today()
    was_serving = serves(world.provider_a, "cacb", "CC", today)

    with as_admin(world):
        end_district_approval(approval, "removed", reason="Letter of the trustee.")

    assert (was_serving, serves(world.provider_a, "cacb", "CC", today)) == (True, False)


def test_a_provider_administrator_can_neither_add_nor_end_approvals(world: World) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
    approval = world.approval_cc_a

    with acting(actor):
        for verb in (
            lambda: add_district_approval(world.provider_a, "nysb", "DE", valid_from=DAY, valid_to=DAY),
            lambda: end_district_approval(approval, "withdrawn", reason="x"),
        ):
            with pytest.raises(DomainError) as refused:
                verb()
            assert refused.value.code == "permission_denied"
        with pytest.raises(Exception, match="row-level security"):
            DistrictApproval.objects.create(
                provider=world.provider_a, district_id="nysb", kind="DE", valid_from=DAY, valid_to=dt.date(2027, 1, 1)
            )


def test_a_suspended_provider_is_gone_from_the_public_and_can_come_back(world: World) -> None:
    provider = world.provider_a

    def is_public() -> bool:
        with acting(ANONYMOUS):
            return Organization.objects.visible_to(ANONYMOUS).open_to_the_public().filter(pk=provider.pk).exists()

    seen = [is_public()]
    with as_admin(world):
        suspend_provider(provider, reason="Removed by the trustee.")
    seen.append(is_public())
    with as_admin(world):
        fresh = Organization.objects.get(pk=provider.pk)
        reinstate_provider(fresh, reason="Approved again.")
    seen.append(is_public())

    assert seen == [True, False, True]


def test_several_providers_are_approved_and_activated_whatever_they_are(world: World) -> None:
    """CERT-56: under review, approved and inactive, and done already."""
    with as_system():
        a, b = world.provider_a.provider_profile, world.provider_b.provider_profile
        a.approval_status, a.is_active = ApprovalStatus.UNDER_REVIEW, False
        b.is_active = False
        a.save()
        b.save()

    with as_admin(world):
        states = [
            (profile.approval_status, profile.is_active)
            for provider in (world.provider_a, world.provider_b, world.provider_b)
            for profile in [approve_and_activate(provider)]
        ]

    assert states == [(ApprovalStatus.APPROVED, True)] * 3


def test_the_fee_is_the_providers_own_or_the_default(world: World, settings: Any) -> None:
    settings.COURSE_FEE_CENTS_DEFAULT = 4500
    provider = world.provider_a
    with as_system():
        default = provider_fee_cents(provider)
        provider.provider_profile.fee_cents = 0
        free = provider_fee_cents(provider)
        provider.provider_profile.fee_cents = 9900
        capped = provider_fee_cents(provider)

    assert (default, free, capped) == (4500, 0, 5000)


def test_languages_are_named_in_the_readers_own() -> None:
    names = ["English", "Spanish", "Haitian Creole", "Plain Talk"]

    assert language_list(names[:2], "es") == "inglés y español"
    assert language_list(names, "en") == "English, Spanish, Haitian Creole, and Plain Talk"
