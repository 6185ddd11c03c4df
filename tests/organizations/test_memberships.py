from __future__ import annotations

import threading

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection

from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from organizations.actors import load_actor
from organizations.models import Membership
from organizations.services import change_role, end_sessions, reactivate_member, remove_member, suspend_member
from organizations.services.memberships import set_role
from tests.database import as_system
from tests.organizations.people import acting_as
from tests.web import sign_in


def membership_of(user, organization):
    with as_system():
        return Membership.objects.select_related("organization", "user").get(user=user, organization=organization)


@pytest.mark.django_db
def test_a_role_change_is_kept_with_its_reason_and_ends_the_sessions(world):
    membership = membership_of(world.counselor_a, world.provider_a)
    with acting_as(world.provider_admin_a):
        changed = change_role(membership, "provider_admin", reason="Takes over the office.")
        event = AuditEvent.objects.get(act="membership.role_changed", target_id=str(membership.pk))
    with as_system():
        version = Membership.history.filter(id=membership.pk).latest("history_date")
    assert changed.role == "provider_admin"
    assert event.payload == {"from": "counselor", "to": "provider_admin"}
    assert (event.organization_id, event.reason) == (world.provider_a.pk, "Takes over the office.")
    assert (version.role, version.history_change_reason) == ("provider_admin", "Takes over the office.")
    assert version.history_user_id == world.provider_admin_a.pk
    assert world.counselor_a.session_generation == 2


@pytest.mark.django_db
def test_a_change_without_a_reason_is_refused(world):
    membership = membership_of(world.counselor_a, world.provider_a)
    with acting_as(world.provider_admin_a):
        for act in (suspend_member, remove_member, reactivate_member):
            with pytest.raises(DomainError) as refusal:
                act(membership, reason="  ")
            assert refusal.value.code == "reason_required"
        with pytest.raises(DomainError) as refusal:
            change_role(membership, "provider_admin", reason="")
        assert refusal.value.code == "reason_required"


@pytest.mark.django_db
def test_nobody_touches_a_rank_above_their_own(world):
    owner, admin = (membership_of(user, world.provider_a) for user in (world.owner_a, world.provider_admin_a))
    with acting_as(world.provider_admin_a):
        for act in (
            lambda: suspend_member(owner, reason="x"),
            lambda: change_role(owner, "counselor", reason="x"),
            lambda: change_role(admin, "owner", reason="x"),
        ):
            with pytest.raises(DomainError) as refusal:
                act()
            assert refusal.value.code == "not_your_rank"


@pytest.mark.django_db
def test_a_role_must_fit_the_organization(world):
    membership = membership_of(world.counselor_a, world.provider_a)
    with acting_as(world.owner_a):
        for role, code in (("attorney", "role_does_not_fit"), ("client", "role_needs_no_organization"),
                           ("wizard", "role_unknown")):  # fmt: skip
            with pytest.raises(DomainError) as refusal:
                change_role(membership, role, reason="x")
            assert refusal.value.code == code


@pytest.mark.django_db
def test_a_suspended_member_loses_everything_and_can_come_back(world):
    membership = membership_of(world.counselor_a, world.provider_a)
    with acting_as(world.provider_admin_a):
        suspend_member(membership, reason="On leave.")
    with as_system():
        assert load_actor(world.counselor_a).memberships == {}
    assert world.counselor_a.session_generation == 2
    with acting_as(world.provider_admin_a):
        assert reactivate_member(membership, reason="Back.").status == "active"
    with as_system():
        assert load_actor(world.counselor_a).memberships == {world.provider_a.pk: "counselor"}


@pytest.mark.django_db
def test_the_last_administrator_stays(world):
    owner, admin = (membership_of(user, world.provider_a) for user in (world.owner_a, world.provider_admin_a))
    attorney = membership_of(world.attorney_a, world.firm_a)
    with as_system():
        remove_member(admin, reason="Left.")
        for act in (
            lambda: remove_member(owner, reason="x"),
            lambda: suspend_member(owner, reason="x"),
            lambda: change_role(owner, "counselor", reason="x"),
            lambda: remove_member(attorney, reason="x"),
        ):
            with pytest.raises(DomainError) as refusal:
                act()
            assert refusal.value.code == "last_owner"


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other_at_once(world, databases):
    pairs = {
        "owner": membership_of(world.owner_a, world.provider_a),
        "admin": membership_of(world.provider_admin_a, world.provider_a),
    }
    with as_system():
        owner = load_actor(world.owner_a)
    answers, gate = {}, threading.Barrier(2)

    def remove(name):
        gate.wait()
        try:
            with acting(owner):
                remove_member(pairs[name], reason="x")
            answers[name] = "removed"
        except DomainError as refusal:
            answers[name] = refusal.code
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(name,)) for name in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == ["last_owner", "removed"]


@pytest.mark.django_db
def test_another_tenants_member_is_out_of_reach(world):
    membership = membership_of(world.counselor_b, world.provider_b)
    with acting_as(world.owner_a), pytest.raises(ObjectDoesNotExist):
        suspend_member(membership, reason="x")
    assert membership_of(world.counselor_b, world.provider_b).status == "active"


@pytest.mark.django_db
def test_ending_sessions_signs_out_everywhere_on_the_server(world, client):
    sign_in(client, world.counselor_a)
    assert client.get("/account").status_code == 200
    key = client.cookies["session"].value
    with as_system():
        assert end_sessions(world.counselor_a) == 1
        assert not Session.objects.filter(session_key=key).exists()
        assert not UserSession.objects.filter(user=world.counselor_a).exists()
    assert client.get("/account").status_code == 302


@pytest.mark.django_db
def test_a_role_change_ends_the_session_at_the_next_request(world, client):
    sign_in(client, world.counselor_a)
    assert client.get("/account").status_code == 200
    membership = membership_of(world.counselor_a, world.provider_a)
    with acting_as(world.provider_admin_a):
        change_role(membership, "provider_admin", reason="x")
    assert client.get("/account").status_code == 302


@pytest.mark.django_db
def test_setting_the_client_role_takes_every_staff_role_away(world):
    with as_system():
        set_role(world.counselor_a, "client", reason="Left.")
        set_role(world.platform_support, "client", reason="Left.")
        assert load_actor(world.counselor_a).memberships == {}
    assert world.platform_support.platform_role == ""


@pytest.mark.django_db
def test_setting_a_role_replaces_the_one_in_that_organization(world):
    with as_system():
        set_role(world.provider_admin_a, "counselor", organization=world.provider_a, reason="Steps down.")
        set_role(world.stranger, "attorney", organization=world.firm_b, reason="Joins.")
        assert load_actor(world.provider_admin_a).memberships == {world.provider_a.pk: "counselor"}
        assert load_actor(world.stranger).memberships == {world.firm_b.pk: "attorney"}
