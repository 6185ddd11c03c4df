"""A stranger asks for a course, and the provider answers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from audit.models import AuditEvent
from core.context import ANONYMOUS, acting
from core.errors import DomainError
from enrollments.enums import REQUEST_TRANSITIONS, EnrollmentStatus, RequestStatus
from enrollments.models import Client, Enrollment, EnrollmentRequest, Household
from enrollments.services.requests import convert_and_invite, move_request, submit_request
from notifications.models import Message
from organizations.models import Invitation
from tests.database import as_system
from tests.enrollments.people import acting_as
from tests.factories import cases
from tests.factories.names import World

pytestmark = pytest.mark.django_db

ASKED: dict[str, Any] = {
    "kind": "CC", "mode": "individual", "court_id": "cacb", "first_name": "Lucía", "last_name": "Ramos",
    "email": "Lucia@Mail.example", "language": "es",
}  # fmt: skip
SPOUSE = {
    "mode": "joint", "spouse_first_name": "Marco", "spouse_last_name": "Ramos", "spouse_email": "marco@mail.example",
}  # fmt: skip
EDUCATION = {"kind": "DE", "chapter": "7", "first_set_341_date": "2026-03-02"}


def ask(world: World, *, ip: str = "198.51.100.20", **changes: Any) -> EnrollmentRequest:
    provider = world.provider_a
    with acting(ANONYMOUS):
        made = submit_request(provider, ASKED | changes, ip=ip, page="/provider-a/enroll")
    with as_system():
        return EnrollmentRequest.objects.get(pk=made.pk)


def test_a_request_keeps_mode_names_email_page_and_time_and_strangers_cannot_read_it(world: World) -> None:
    """CERT-49."""
    request = ask(world, **SPOUSE)

    assert (request.mode, request.first_name, request.spouse_first_name, request.email, request.spouse_email) == (
        "joint", "Lucía", "Marco", "lucia@mail.example", "marco@mail.example",
    )  # fmt: skip
    assert (request.source_page, request.source_ip, request.status, request.language) == (
        "/provider-a/enroll", "198.51.100.20", RequestStatus.SUBMITTED, "es",
    )  # fmt: skip
    assert request.created_at is not None
    with acting(ANONYMOUS):
        assert list(EnrollmentRequest.objects.all()) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (SPOUSE | {"spouse_email": ""}, "joint_needs_spouse"),
        (SPOUSE | {"spouse_first_name": ""}, "joint_needs_spouse"),
        (SPOUSE | {"spouse_email": "LUCIA@mail.example"}, "joint_email_shared"),
        ({"first_name": "R2D2"}, "name_invalid"),
        ({"kind": "DE"}, "unknown_chapter"),
        ({"kind": "DE", "chapter": "12"}, "de_not_required"),
        ({"court_id": "nysb"}, "district_not_approved"),
        ({"court_id": "moon"}, "unknown_court"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(DomainError) as refused:
        ask(world, **changes)

    assert refused.value.code == code


def test_a_provider_whose_profile_cannot_fill_the_disclosures_takes_no_request(world: World) -> None:
    with as_system():
        profile = world.provider_a.provider_profile
        profile.funding = ""
        profile.save()

    with pytest.raises(DomainError) as refused:
        ask(world)
    education = ask(world, **EDUCATION)

    assert refused.value.code == "provider_profile_incomplete"
    assert education.kind == "DE"


def test_requests_are_throttled_by_address_and_by_email(world: World) -> None:
    for number in range(10):
        ask(world, email=f"person{number}@mail.example")
    with pytest.raises(DomainError) as by_address:
        ask(world, email="one.more@mail.example")
    for number in range(5):
        ask(world, ip=f"198.51.100.{30 + number}")
    with pytest.raises(DomainError) as by_email:
        ask(world, ip="198.51.100.40")

    assert (by_address.value.code, by_email.value.code) == ("too_many_requests", "too_many_requests")


@pytest.mark.parametrize(
    "pair", [pair for pair in itertools.product(RequestStatus, RequestStatus) if pair[1] != RequestStatus.INVITED]
)
def test_only_listed_steps_of_a_request_are_possible(world: World, pair: tuple[str, str]) -> None:
    """CERT-58. `invited` is reached by converting and is proved elsewhere."""
    before, after = pair
    with as_system():
        request = cases.make_request(world.provider_a, status=before)

    with acting_as(world, "provider_admin_a"):
        if after in REQUEST_TRANSITIONS[before]:
            assert move_request(request, after).status == after
        else:
            with pytest.raises(DomainError) as refused:
                move_request(request, after)
            assert refused.value.code == "transition_not_allowed"


def test_converting_makes_one_invited_enrollment_and_mails_the_client_in_their_language(world: World) -> None:
    """CERT-59, CERT-66, CERT-127."""
    request = ask(world)

    with acting_as(world, "provider_admin_a"):
        [enrollment] = convert_and_invite(request)

    with as_system():
        enrollment = Enrollment.objects.with_people().get(pk=enrollment.pk)
        client = enrollment.client
        assert (enrollment.status, enrollment.kind, enrollment.household_id, enrollment.language) == (
            EnrollmentStatus.INVITED, "CC", None, "es",
        )  # fmt: skip
        assert (client.first_name, client.email, client.user_id) == ("Lucía", "lucia@mail.example", None)
        assert (client.invitation.role, client.invitation.sent_for_id) == ("client", world.provider_a.pk)
        message = Message.objects.get(to="lucia@mail.example")
        assert (message.event, message.language, message.organization_id) == (
            "enrollment.client_invite", "es", world.provider_a.pk,
        )  # fmt: skip
        assert "/es/invitations/" in message.text_body
        request.refresh_from_db()
        assert request.status == RequestStatus.INVITED


def test_converting_again_changes_nothing_and_mails_nobody(world: World) -> None:
    request = ask(world)

    with acting_as(world, "provider_admin_a"):
        first = convert_and_invite(request)
        again = convert_and_invite(request)

    assert first == again
    with as_system():
        assert Message.objects.filter(to="lucia@mail.example").count() == 1
        assert Enrollment.objects.filter(request=request).count() == 1


def test_choosing_invited_in_the_list_converts_and_invites(world: World) -> None:
    request = ask(world)

    with acting_as(world, "provider_admin_a"):
        moved = move_request(request, RequestStatus.INVITED)

    assert moved.status == RequestStatus.INVITED
    with as_system():
        assert Enrollment.objects.filter(request=request).count() == 1


def test_a_joint_request_makes_two_linked_clients_and_two_invitations_in_one_household(world: World) -> None:
    """CERT-59, CERT-65."""
    request = ask(world, **SPOUSE)

    with acting_as(world, "provider_admin_a"):
        one, other = convert_and_invite(request)

    with as_system():
        a, b = Client.objects.get(pk=one.client_id), Client.objects.get(pk=other.client_id)
        assert (a.joint_filer_id, b.joint_filer_id) == (b.pk, a.pk)
        assert one.household_id == other.household_id
        assert Household.objects.filter(pk=one.household_id).count() == 1
        assert {m.to for m in Message.objects.filter(event="enrollment.client_invite")} == {a.email, b.email}
        assert a.invitation_id != b.invitation_id
        assert Invitation.objects.filter(pk__in=[a.invitation_id, b.invitation_id], role="client").count() == 2


def test_a_chapter_seven_request_gets_its_deadline_and_one_without_dates_waits_for_them(world: World) -> None:
    """CERT-68: neither date is refused; the request stays as it is."""
    dated, undated = ask(world, **EDUCATION), ask(world, kind="DE", chapter="7", email="other@mail.example")

    with acting_as(world, "provider_admin_a"):
        [enrollment] = convert_and_invite(dated)
        with pytest.raises(DomainError) as refused:
            convert_and_invite(undated)

    assert enrollment.de_filing_deadline.isoformat() == "2026-05-01"
    assert refused.value.code == "meeting_or_deadline_required"
    with as_system():
        undated.refresh_from_db()
        assert undated.status == RequestStatus.SUBMITTED


def test_an_approval_that_ended_meanwhile_stops_the_conversion(world: World) -> None:
    request = ask(world)
    with as_system():
        approval = world.approval_cc_a
        approval.status = "removed"
        approval.save()

    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        convert_and_invite(request)

    assert refused.value.code == "district_not_approved"
    with as_system():
        assert not Enrollment.objects.filter(request=request).exists()


@pytest.mark.parametrize("status", [RequestStatus.REJECTED, RequestStatus.CANCELLED])
def test_a_closed_request_is_not_converted(world: World, status: str) -> None:
    with as_system():
        request = cases.make_request(world.provider_a, status=status)

    with acting_as(world, "provider_admin_a"), pytest.raises(DomainError) as refused:
        convert_and_invite(request)

    assert refused.value.code == "transition_not_allowed"


def test_another_providers_administrator_neither_sees_nor_converts_a_request(world: World) -> None:
    """CERT-57."""
    request = ask(world)

    with acting_as(world, "provider_admin_b"):
        assert not EnrollmentRequest.objects.filter(pk=request.pk).exists()
        with pytest.raises(EnrollmentRequest.DoesNotExist):
            convert_and_invite(request)


def test_every_step_of_a_request_is_evidence(world: World) -> None:
    """CERT-129."""
    request = ask(world)
    with acting_as(world, "provider_admin_a"):
        move_request(request, RequestStatus.REVIEWING)
        convert_and_invite(request)

    with as_system():
        acts = list(
            AuditEvent.objects.filter(target_id=str(request.pk)).order_by("id").values_list("act", "actor_label")
        )
    assert acts == [
        ("enrollmentrequest.submitted", "anonymous"),
        ("enrollmentrequest.reviewing", "provider.admin@tenant-a.example"),
        ("enrollmentrequest.invited", "provider.admin@tenant-a.example"),
    ]
