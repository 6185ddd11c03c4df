"""Staff and attorneys enroll clients."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from core.errors import DomainError
from enrollments.models import Client, Enrollment
from enrollments.services.invitations import invite_client, invite_household
from enrollments.services.opening import create_enrollment
from enrollments.values import Case, Person
from notifications.models import Message
from tests.database import as_system
from tests.enrollments.people import acting_as
from tests.factories.names import World

pytestmark = pytest.mark.django_db

ANA = Person("Ana", "Gómez", "ana@mail.example")
LEO = Person("Leo", "Gómez", "leo@mail.example", birth_date=dt.date(1980, 5, 1), ssn_last4="4321")
COUNSELLING = Case("CC", "cacb")
EDUCATION = Case("DE", "cacb", chapter="7", case_number="26-12345", first_set_341_date=dt.date(2026, 3, 2))


def test_an_attorney_enrolls_a_client_of_the_firm(world: World) -> None:
    """CERT-63."""
    provider, firm = world.provider_a, world.firm_a

    with acting_as(world, "attorney_a"):
        [enrollment] = create_enrollment(provider, ANA, EDUCATION, firm=firm)
        invitation = invite_client(enrollment)

    assert (enrollment.firm_id, enrollment.client.firm_id, enrollment.case_number) == (firm.pk, firm.pk, "26-12345")
    assert enrollment.de_filing_deadline == dt.date(2026, 5, 1)
    assert (enrollment.first_set_341_date, enrollment.current_341_date) == (dt.date(2026, 3, 2),) * 2
    assert (invitation.sent_for_id, invitation.organization_id) == (firm.pk, None)
    for name, sees in (("attorney_a", True), ("attorney_b", False), ("provider_admin_a", True)):
        with acting_as(world, name):
            assert Enrollment.objects.filter(pk=enrollment.pk).exists() is sees


def test_a_joint_filing_by_an_attorney_makes_two_enrollments_in_one_household(world: World) -> None:
    """CERT-64, CERT-65, CERT-66, CERT-72."""
    with acting_as(world, "attorney_a"):
        one, other = create_enrollment(world.provider_a, ANA, COUNSELLING, firm=world.firm_a, spouse=LEO)
        invitations = invite_household(one)
        again = invite_household(one)

    assert one.household_id == other.household_id is not None
    assert [each.pk for each in invitations] == [each.pk for each in again]
    with as_system():
        ana, leo = Client.objects.get(pk=one.client_id), Client.objects.get(pk=other.client_id)
        assert (ana.joint_filer_id, leo.joint_filer_id) == (leo.pk, ana.pk)
        assert (leo.birth_date, leo.ssn_last4) == ("1980-05-01", "4321")
        assert (bool(leo.identity_hash), ana.identity_hash) == (True, "")


@pytest.mark.parametrize("missing", ["first_name", "last_name", "email", "ssn_last4", "birth_date"])
def test_a_joint_filing_needs_all_five_facts_of_the_spouse(world: World, missing: str) -> None:
    """CERT-64."""
    spouse = replace(LEO, **{missing: None if missing == "birth_date" else ""})

    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        create_enrollment(world.provider_a, ANA, COUNSELLING, spouse=spouse)

    assert refused.value.code == "joint_needs_spouse"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"first_set_341_date": None}, "meeting_or_deadline_required"),
        ({"chapter": "13"}, "de_deadline_required"),
        ({"chapter": "11"}, "de_deadline_required"),
        ({"chapter": "12"}, "de_not_required"),
        ({"chapter": ""}, "unknown_chapter"),
        ({"court_id": "nysb"}, "district_not_approved"),
        ({"case_number": "next week"}, "case_number_invalid"),
    ],
)
def test_debtor_education_follows_the_rules_of_its_deadline(world: World, changes: dict[str, Any], code: str) -> None:
    """CERT-68, CERT-70."""
    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        create_enrollment(world.provider_a, ANA, replace(EDUCATION, **changes))

    assert refused.value.code == code


def test_a_deadline_that_is_given_stands(world: World) -> None:
    deadline = dt.date(2026, 12, 24)

    with acting_as(world, "provider_admin_a"):
        [enrollment] = create_enrollment(
            world.provider_a, ANA, replace(EDUCATION, chapter="13", de_filing_deadline=deadline)
        )

    assert enrollment.de_filing_deadline == deadline


@pytest.mark.parametrize(
    ("person", "spouse", "code"),
    [
        (replace(ANA, email=" "), None, "email_required"),
        (replace(ANA, first_name="4na"), None, "name_invalid"),
        (ANA, replace(LEO, email="ANA@mail.example"), "joint_email_shared"),
        (ANA, replace(LEO, ssn_last4="0000"), "ssn_last4_invalid"),
        (ANA, replace(LEO, birth_date=dt.date(2090, 1, 1)), "birth_date_invalid"),
    ],
)
def test_people_are_checked_before_anything_is_written(
    world: World, person: Person, spouse: Person | None, code: str
) -> None:
    with acting_as(world, "provider_admin_a"):
        before = Client.objects.count()
        with pytest.raises(DomainError) as refused:
            create_enrollment(world.provider_a, person, COUNSELLING, spouse=spouse)
        after = Client.objects.count()

    assert (refused.value.code, after) == (code, before)


def test_a_client_comes_back_for_the_second_course_as_the_same_client(world: World) -> None:
    with acting_as(world, "provider_admin_a"):
        [first] = create_enrollment(world.provider_a, ANA, COUNSELLING)
        [second] = create_enrollment(world.provider_a, replace(ANA, email="ANA@mail.example"), EDUCATION)
        with pytest.raises(DomainError) as refused:
            create_enrollment(world.provider_a, ANA, COUNSELLING)

    assert first.client_id == second.client_id
    assert refused.value.code == "enrollment_exists"


def test_inviting_again_renews_the_one_open_invitation(world: World) -> None:
    """CERT-71."""
    with acting_as(world, "provider_admin_a"):
        [enrollment] = create_enrollment(world.provider_a, ANA, COUNSELLING)
        first, second = invite_client(enrollment), invite_client(enrollment)

    assert first.pk == second.pk
    with as_system():
        assert Message.objects.filter(event="enrollment.client_invite", to=ANA.email).count() == 2
        assert Client.objects.get(pk=enrollment.client_id).invitation.sent_at is not None


def test_a_client_who_has_a_login_gets_the_address_of_the_course(world: World) -> None:
    enrollment = world.studying_a

    with acting_as(world, "provider_admin_a"):
        invitation = invite_client(Enrollment.objects.with_people().get(pk=enrollment.pk))

    assert invitation is None
    with as_system():
        message = Message.objects.get(event="enrollment.client_invite")
        assert f"/course/{enrollment.pk}" in message.text_body
        assert message.person_id == world.client_user_a.pk


def test_an_enrollment_that_ended_is_not_invited_to(world: World) -> None:
    with as_system():
        enrollment = world.invited_a
        enrollment.status = "cancelled"
        enrollment.save()

    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        invite_client(Enrollment.objects.get(pk=enrollment.pk))

    assert refused.value.code == "enrollment_closed"
