"""T10: access to single records is given in one audited way only."""

from __future__ import annotations

import pytest
from guardian.models import UserObjectPermission

from audit.models import AuditEvent
from core.errors import DomainError
from enrollments.models import Enrollment
from organizations.backends import allows
from organizations.services import grant_access, withdraw_access
from tests.database import as_system
from tests.organizations.people import acting_as

pytestmark = pytest.mark.django_db
AUDIT = "organizations.audit_organization"


def test_an_auditor_is_given_one_organization_and_loses_it_again(world):
    with acting_as(world.platform_admin):
        grant_access(world.stranger, world.provider_b, AUDIT, reason="Yearly audit.")
        grant_access(world.stranger, world.provider_b, AUDIT, reason="Yearly audit.")
        event = AuditEvent.objects.get(act="access.granted", target_id=str(world.provider_b.pk))
    with acting_as(world.stranger) as actor:
        assert allows(actor, "enrollments.view_enrollment", world.studying_b)
        assert not allows(actor, "enrollments.change_enrollment", world.studying_b)
        assert not allows(actor, "enrollments.view_enrollment", world.studying_a)
        assert Enrollment.objects.filter(provider=world.provider_b).exists()
    with acting_as(world.platform_admin):
        assert withdraw_access(world.stranger, world.provider_b, AUDIT, reason="Done.") is True
        assert withdraw_access(world.stranger, world.provider_b, AUDIT, reason="Done.") is False
        assert AuditEvent.objects.filter(act="access.withdrawn").count() == 1
    with acting_as(world.stranger):
        assert not Enrollment.objects.filter(provider=world.provider_b).exists()
    assert (event.reason, event.payload) == (
        "Yearly audit.", {"user": str(world.stranger.pk), "permission": AUDIT}
    )  # fmt: skip
    assert event.organization_id == world.provider_b.pk


def test_a_single_enrollment_can_be_opened(world):
    with acting_as(world.platform_admin):
        grant_access(world.stranger, world.studying_a, "enrollments.view_enrollment", reason="Complaint 12.")
    with acting_as(world.stranger):
        assert [row.pk for row in Enrollment.objects.all()] == [world.studying_a.pk]


@pytest.mark.parametrize("name", ["owner_a", "provider_admin_a", "platform_support", "client_user_a"])
def test_only_a_platform_administrator_grants(world, name):
    with acting_as(getattr(world, name)), pytest.raises(DomainError) as refusal:
        grant_access(world.stranger, world.provider_a, AUDIT, reason="x")
    assert refusal.value.code == "permission_denied"


def test_other_records_and_permissions_are_never_granted(world):
    with acting_as(world.platform_admin):
        for row, permission in (
            (world.provider_a, "organizations.change_organization"),
            (world.payment_a, "payments.refund_payment"),
            (world.client_a, "enrollments.view_client"),
            (world.studying_a, "payments.view_payment"),
            (world.studying_a, "enrollments.no_such_thing"),
        ):
            with pytest.raises(DomainError) as refusal:
                grant_access(world.stranger, row, permission, reason="x")
            assert refusal.value.code == "grant_not_possible"
        with pytest.raises(DomainError) as refusal:
            grant_access(world.stranger, world.provider_a, AUDIT, reason=" ")
        assert refusal.value.code == "reason_required"
    with as_system():
        assert not UserObjectPermission.objects.filter(user=world.stranger).exists()
