"""The platform decides about providers; providers look after themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from organizations.enums import ApprovalStatus, InvitedRole
from organizations.models import Invitation, ProviderProfile
from providers.enums import ApplicationStatus
from providers.models import District, DistrictApproval, ProviderApplication
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.factories.people import make_provider
from tests.web import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(world: World, client: Client) -> Client:
    """A browser of the platform administrator."""
    return sign_in(client, world.platform_admin)


def state(application: ProviderApplication) -> tuple[str, str, bool, int]:
    with as_system():
        row = ProviderApplication.objects.get(pk=application.pk)
        profile = ProviderProfile.objects.filter(organization=row.provider).first()
        invitations = Invitation.objects.filter(organization=row.provider, role=InvitedRole.PROVIDER_ADMIN).count()
    return row.status, profile.approval_status if profile else "", bool(profile and profile.is_active), invitations


def test_an_application_becomes_a_public_provider_with_an_administrator(world: World, ada: Client) -> None:
    """CERT-52, CERT-53, CERT-54, CERT-55."""
    application, seen = world.application, []

    for name in ("start_review", "create_provider", "create_provider", "approve", "invite_admin"):
        assert ada.post(addresses.action(application, name), {}).status_code == 302
        seen.append(state(application))

    assert seen == [
        (ApplicationStatus.UNDER_REVIEW, "", False, 0),
        (ApplicationStatus.UNDER_REVIEW, ApprovalStatus.UNDER_REVIEW, False, 0),
        (ApplicationStatus.UNDER_REVIEW, ApprovalStatus.UNDER_REVIEW, False, 0),
        (ApplicationStatus.APPROVED, ApprovalStatus.APPROVED, True, 0),
        (ApplicationStatus.APPROVED, ApprovalStatus.APPROVED, True, 1),
    ]
    text = ada.get(addresses.listing(ProviderApplication)).content.decode()
    assert "Provider created · Approved · active · invited" in text


def test_a_denial_asks_for_a_reason(world: World, ada: Client) -> None:
    application = world.application

    ada.post(addresses.action(application, "deny"), {})
    before = state(application)
    ada.post(addresses.action(application, "deny"), {"reason": "No letter."})

    assert (before[0], state(application)[0]) == (ApplicationStatus.SUBMITTED, ApplicationStatus.DENIED)


def test_several_providers_are_approved_and_activated_from_the_list(world: World, ada: Client) -> None:
    """CERT-56."""
    with as_system():
        waiting = {"approval_status": ApprovalStatus.UNDER_REVIEW, "is_active": False}
        made = [make_provider(f"New {number}", f"new-{number}", **waiting) for number in range(3)]
        profiles = [provider.provider_profile for provider in made]

    ada.post(addresses.bulk(ProviderProfile, "approve"), {"pk": [str(profile.pk) for profile in profiles]})

    with as_system():
        rows = ProviderProfile.objects.filter(pk__in=[profile.pk for profile in profiles])
        assert {(row.approval_status, row.is_active) for row in rows} == {(ApprovalStatus.APPROVED, True)}


def test_an_approval_letter_is_entered_on_the_profile_and_can_be_ended(world: World, ada: Client) -> None:
    profile, today = world.provider_a.provider_profile, clock.today()
    letter = {
        "court": "nysb", "kind": "CC", "valid_from": today.isoformat(), "reference": "EOUST-1",
        "valid_to": (today + dt.timedelta(days=150)).isoformat(),
    }  # fmt: skip

    ada.post(addresses.action(profile, "add_district"), letter | {"valid_to": "2099-01-01"})
    ada.post(addresses.action(profile, "add_district"), letter)

    with as_system():
        [approval] = DistrictApproval.objects.filter(provider=world.provider_a, district="nysb")
    assert (approval.status, approval.reference) == ("probationary", "EOUST-1")
    ada.post(addresses.action(approval, "end"), {"to": "removed", "reason": "Letter of the trustee."})
    with as_system():
        approval.refresh_from_db()
    assert approval.status == "removed"


def test_a_provider_administrator_edits_what_clients_read_and_not_what_the_approval_rests_on(
    world: World, client: Client
) -> None:
    profile = world.provider_a.provider_profile
    browser = sign_in(client, world.provider_admin_a)
    fields = dict.fromkeys(("about_es", "help_phone", "help_hours", "help_hours_es", "funding_es", "fee_cents"), "")
    form = fields | {
        "about_en": "We listen.", "languages": "English,Spanish", "funding": "grants", "refund_policy": "",
        "counselor_qualifications": "certified", "counselor_qualifications_es": "", "refund_policy_es": "",
        "legal_name": "Somebody Else", "is_active": "", "simulates_numbers": "", "approval_status": "denied",
    }  # fmt: skip

    assert browser.post(addresses.record(profile), form).status_code == 302

    with as_system():
        fresh = ProviderProfile.objects.get(pk=profile.pk)
    assert (fresh.about_en, fresh.funding) == ("We listen.", "grants")
    assert (fresh.legal_name, fresh.is_active, fresh.simulates_numbers, fresh.approval_status) == (
        "Provider A, Inc.", True, True, ApprovalStatus.APPROVED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "model", "answer"),
    [
        ("provider_admin_a", ProviderApplication, 403), ("counselor_a", ProviderApplication, 403),
        ("attorney_a", ProviderApplication, 403), ("platform_support", ProviderApplication, 200),
        ("attorney_a", ProviderProfile, 403), ("counselor_a", District, 200),
    ],
)  # fmt: skip
def test_who_may_look(world: World, client: Client, name: str, model: Any, answer: int) -> None:
    assert sign_in(client, getattr(world, name)).get(addresses.listing(model)).status_code == answer


@pytest.mark.parametrize("verb", ["start_review", "create_provider", "approve", "invite_admin", "deny"])
def test_support_looks_and_decides_nothing(world: World, client: Client, verb: str) -> None:
    application = world.application

    answer = sign_in(client, world.platform_support).post(addresses.action(application, verb), {"reason": "x"})

    assert answer.status_code == 403
    assert state(application)[0] == ApplicationStatus.SUBMITTED


def test_a_provider_sees_its_own_approvals_and_profile_only(world: World, client: Client) -> None:
    browser = sign_in(client, world.provider_admin_a)

    assert browser.get(addresses.record(world.approval_cc_a)).status_code == 200
    assert browser.get(addresses.record(world.approval_cc_b)).status_code == 404
    assert browser.get(addresses.record(world.provider_b.provider_profile)).status_code == 404
    assert browser.post(addresses.action(world.provider_a.provider_profile, "approve"), {}).status_code == 403


@pytest.mark.parametrize("model", [ProviderApplication, ProviderProfile, DistrictApproval, District])
def test_lists_ask_the_database_as_often_for_one_row_as_for_many(
    world: World, ada: Client, model: Any, django_assert_num_queries: Any
) -> None:
    ada.get(addresses.listing(model))
    with CaptureQueriesContext(connection) as few:
        ada.get(addresses.listing(model))
    with as_system():
        for number in range(5):
            provider = make_provider(f"Many {number}", f"many-{number}")
            cases.make_district_approval(provider, "DE")
            cases.make_application(f"Hope {number}", provider=provider)

    with django_assert_num_queries(len(few)):
        ada.get(addresses.listing(model))
