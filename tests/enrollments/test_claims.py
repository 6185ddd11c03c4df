"""The right person gets to their client rows, and nobody else."""

from __future__ import annotations

import pytest

from core.context import ANONYMOUS, acting
from core.errors import DomainError
from enrollments.models import Client, Enrollment
from enrollments.queries import stands_at
from enrollments.services.invitations import claim_clients, invite_client
from enrollments.services.opening import create_enrollment
from enrollments.values import Case, Person
from organizations.services.invitations import accept_invitation
from tests.database import as_system
from tests.enrollments.people import acting_as
from tests.factories import cases
from tests.factories.names import World
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db

EMAIL = "ana@mail.example"


def test_a_new_login_claims_what_the_sender_has_for_its_address(world: World) -> None:
    """Also a second client row of the same sender; never another provider's, never a different address."""
    with acting_as(world, "provider_admin_a"):
        [enrollment] = create_enrollment(world.provider_a, Person("Ana", "Gómez", EMAIL), Case("CC", "cacb"))
        invitation = invite_client(enrollment)
    with as_system():
        second = cases.make_client(world.provider_a, firm=world.firm_a, email="ANA@mail.example")
        elsewhere = cases.make_client(world.provider_b, email=EMAIL)
        other = cases.make_client(world.provider_a, email="else@mail.example")
        user = make_user(EMAIL)

    with as_system():
        accept_invitation(invitation, user)
    with acting(ANONYMOUS):
        claimed = claim_clients(user, invitation)
        again = claim_clients(user, invitation)

    assert {client.pk for client in claimed} == {enrollment.client_id, second.pk}
    assert again == []
    with as_system():
        assert Client.objects.filter(pk__in=[elsewhere.pk, other.pk], user=None).count() == 2


def test_an_invitation_that_was_not_accepted_by_this_person_claims_nothing(world: World) -> None:
    with acting_as(world, "provider_admin_a"):
        [enrollment] = create_enrollment(world.provider_a, Person("Ana", "Gómez", EMAIL), Case("CC", "cacb"))
        invitation = invite_client(enrollment)

    with acting(ANONYMOUS), pytest.raises(DomainError) as refused:
        claim_clients(world.stranger, invitation)

    assert refused.value.code == "invitation_unusable"


def test_the_context_is_the_callers_again_after_a_claim(world: World) -> None:
    with acting(ANONYMOUS):
        with pytest.raises(DomainError):
            claim_clients(world.stranger, world.invitation_a)

        assert list(Client.objects.all()) == []


def test_a_stranger_learns_only_whether_a_known_id_stands_at_a_provider(world: World) -> None:
    """CERT-48."""
    enrollment, a, b = world.studying_a, world.provider_a, world.provider_b

    with acting(ANONYMOUS):
        answers = [stands_at(enrollment.pk, a.pk), stands_at(enrollment.pk, b.pk), stands_at(a.pk, a.pk)]
        assert list(Enrollment.objects.all()) == []

    assert answers == [True, False, False]
