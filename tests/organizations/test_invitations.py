"""CERT-04, CERT-05, CERT-06, CERT-07."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading

import pytest
import time_machine
from django.db import ProgrammingError, connection, connections

from audit.models import AuditEvent
from core import clock
from core.context import ANONYMOUS, acting, system_actor
from core.errors import DomainError
from jobs.models import Job
from notifications.models import Message
from organizations.enums import InvitedRole
from organizations.models import Invitation, Membership
from organizations.queries import find_invitation
from organizations.services import accept_invitation, copy_link, invite, refresh_invitation, revoke_invitation
from tests.database import as_system
from tests.factories.people import make_membership, make_user
from tests.organizations.people import acting_as, actor_of


@pytest.mark.django_db
def test_a_provider_administrator_invites_a_counselor_by_mail(world):
    with acting_as(world.provider_admin_a):
        invitation, token = invite(
            "New.Person@Example.org", InvitedRole.COUNSELOR, organization=world.provider_a, language="es"
        )
    with as_system():
        message = Message.objects.get(about_id=str(invitation.pk))
        kept = Invitation.objects.get(pk=invitation.pk)

    assert (kept.email, kept.role, kept.status) == ("new.person@example.org", "counselor", "pending")
    assert kept.token_hash == hashlib.sha256(token.encode()).hexdigest()
    assert kept.expires_at - kept.sent_at == dt.timedelta(days=14)
    assert kept.invited_by_id == world.provider_admin_a.pk
    assert (message.event, message.to, message.language) == ("user.invite.counselor", "new.person@example.org", "es")
    assert f"/es/invitations/{token}" in message.text_body
    assert message.organization_id == world.provider_a.pk


@pytest.mark.django_db
def test_the_mail_of_every_role_says_who_invites_to_what_in_both_languages(world):
    homes = {"provider_admin": world.provider_a, "counselor": world.provider_a, "attorney": world.firm_a}
    for number, (role, language) in enumerate((role, language) for role in InvitedRole for language in ("en", "es")):
        with as_system():
            _, token = invite(f"n{number}@example.org", role, organization=homes.get(role), language=language)
            message = Message.objects.get(to=f"n{number}@example.org")
        assert token in message.text_body
        assert token in message.html_body
        if role in homes:
            assert homes[role].name in message.text_body
        assert ("link" in message.text_body) is (language == "en")


@pytest.mark.django_db
def test_a_second_invitation_renews_the_open_row(world):
    with acting_as(world.provider_admin_a):
        first, old = invite("twice@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        second, new = invite("TWICE@example.org", InvitedRole.COUNSELOR, organization=world.provider_a, days=3)
        assert second.pk == first.pk
        assert Invitation.objects.filter(email__iexact="twice@example.org").count() == 1
        assert find_invitation(old) is None
        assert find_invitation(new).expires_at - clock.now() < dt.timedelta(days=3)


@pytest.mark.django_db
def test_another_role_is_another_invitation(world):
    with as_system():
        invite("twice@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        invite("twice@example.org", InvitedRole.PROVIDER_ADMIN, organization=world.provider_a)
        invite("twice@example.org", InvitedRole.COUNSELOR, organization=world.provider_b)
        assert Invitation.objects.filter(email="twice@example.org").count() == 3


@pytest.mark.django_db
def test_nobody_gives_a_rank_above_their_own(world):
    with acting_as(world.counselor_a), pytest.raises(DomainError) as refusal:
        invite("up@example.org", InvitedRole.PROVIDER_ADMIN, organization=world.provider_a)
    assert refusal.value.code == "not_your_rank"
    with acting_as(world.owner_a), pytest.raises(DomainError) as refusal:
        invite("up@example.org", InvitedRole.PLATFORM_ADMIN)
    assert refusal.value.code == "not_your_rank"
    with acting_as(world.provider_admin_a), pytest.raises(DomainError) as refusal:
        invite("up@example.org", InvitedRole.COUNSELOR, organization=world.provider_b)
    assert refusal.value.code == "not_your_rank"


@pytest.mark.django_db
def test_refreshing_sends_a_new_link_and_ends_the_old_one(world):
    with acting_as(world.provider_admin_a):
        invitation, old = invite("again@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        new = refresh_invitation(invitation)
        assert find_invitation(old) is None
        assert find_invitation(new).pk == invitation.pk
    with as_system():
        assert Message.objects.filter(to="again@example.org").count() == 2
        assert Job.objects.filter(kind="notifications.deliver", dedupe_key__contains="invitation:").count() == 2


@pytest.mark.django_db
def test_a_copied_link_is_not_mailed_and_proves_no_mailbox(world):
    with acting_as(world.provider_admin_a):
        invitation, _ = invite("copy@example.org", InvitedRole.COUNSELOR, organization=world.provider_a, language="es")
        link = copy_link(invitation)
        found = find_invitation(link.rpartition("/")[2])
    assert "/es/invitations/" in link
    assert found.pk == invitation.pk
    assert found.sent_at is None
    with as_system():
        assert Message.objects.filter(to="copy@example.org").count() == 1


@pytest.mark.django_db
def test_a_revoked_invitation_stays_and_says_who_and_when(world):
    with acting_as(world.provider_admin_a):
        invitation, _ = invite("gone@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        revoked = revoke_invitation(invitation, reason="Hired someone else.")
        event = AuditEvent.objects.get(act="invitation.revoked", target_id=str(invitation.pk))
        with pytest.raises(DomainError) as refusal:
            refresh_invitation(revoked)
    assert (revoked.status, revoked.revoked_by_id) == ("revoked", world.provider_admin_a.pk)
    assert clock.now() - revoked.closed_at < dt.timedelta(minutes=1)
    assert (event.actor_id, event.reason) == (world.provider_admin_a.pk, "Hired someone else.")
    assert refusal.value.code == "invitation_closed"


@pytest.mark.django_db
def test_a_revoked_or_expired_or_used_invitation_lets_nobody_in(world):
    with as_system():
        user = make_user("late@example.org")
        for how in ("revoked", "expired", "used"):
            invitation, _ = invite("late@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
            moment = clock.now()
            if how == "revoked":
                revoke_invitation(invitation)
            elif how == "used":
                accept_invitation(invitation, user)
            else:
                moment = clock.now() + dt.timedelta(days=14, seconds=1)
            with time_machine.travel(moment, tick=False), pytest.raises(DomainError) as refusal:
                accept_invitation(invitation, user)
            assert refusal.value.code == "invitation_unusable"
            if how == "expired":
                revoke_invitation(invitation)


@pytest.mark.django_db
def test_accepting_gives_the_role_ends_open_sessions_and_is_on_the_record(world):
    with as_system():
        invitation, _ = invite("STRANGER@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        user = world.stranger
        accepted = accept_invitation(invitation, user)
        membership = Membership.objects.get(user=user, organization=world.provider_a)
        acts = set(AuditEvent.objects.filter(target_id__in=[str(membership.pk), str(invitation.pk)]).values_list(
            "act", flat=True))  # fmt: skip
    assert (accepted.status, accepted.accepted_by_id) == ("accepted", user.pk)
    assert (membership.role, membership.status) == ("counselor", "active")
    assert user.session_generation == 2
    assert world.stranger.session_generation == 2
    assert acts == {"invitation.sent", "invitation.accepted", "membership.created"}


@pytest.mark.django_db
def test_accepting_needs_the_proved_address_in_any_case(world):
    with as_system():
        invitation, _ = invite("someone.else@example.org", InvitedRole.COUNSELOR, organization=world.provider_a)
        with pytest.raises(DomainError) as refusal:
            accept_invitation(invitation, world.stranger)
        assert refusal.value.code == "invitation_for_other_email"
        assert Invitation.objects.get(pk=invitation.pk).status == "pending"


@pytest.mark.django_db
def test_accepting_brings_a_removed_member_back_and_never_lowers_a_role(world):
    with as_system():
        former = make_membership(world.stranger, world.provider_a, "counselor")
        Membership.objects.filter(pk=former.pk).update(status="removed")
        invitation, _ = invite("stranger@example.org", InvitedRole.PROVIDER_ADMIN, organization=world.provider_a)
        accept_invitation(invitation, world.stranger)
        former.refresh_from_db()
        assert (former.role, former.status) == ("provider_admin", "active")

        invitation, _ = invite(world.owner_a.email, InvitedRole.COUNSELOR, organization=world.provider_a)
        accept_invitation(invitation, world.owner_a)
        assert Membership.objects.get(user=world.owner_a).role == "owner"


@pytest.mark.django_db
def test_accepting_as_platform_administrator_gives_the_platform_role(world):
    with as_system():
        invitation, _ = invite("stranger@example.org", InvitedRole.PLATFORM_ADMIN)
        accept_invitation(invitation, world.stranger)
    assert world.stranger.platform_role == "platform_admin"


@pytest.mark.django_db
def test_the_web_role_cannot_make_itself_the_system(world):
    """A forged setting changes nothing: row security honours the system scope for the worker's role only."""
    with acting(system_actor("forged")), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("app_web",)
        assert Invitation.objects.count() == 0
        with pytest.raises(ProgrammingError):
            Invitation.objects.create(
                email="forged@example.org", role="platform_admin", token_hash="forged", expires_at=clock.now()
            )


@pytest.mark.django_db
def test_a_stranger_sees_no_invitation_without_its_token(world):
    with acting(ANONYMOUS):
        assert Invitation.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_people_inviting_the_same_address_at_once_make_one_invitation(world):
    people = {name: actor_of(getattr(world, name)) for name in ("owner_a", "provider_admin_a")}
    provider, gate, made = world.provider_a, threading.Barrier(2), {}

    def send(name):
        gate.wait()
        try:
            with acting(people[name]):
                made[name] = invite("both@example.org", InvitedRole.COUNSELOR, organization=provider)[0].pk
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with as_system():
        assert Invitation.objects.filter(email="both@example.org").count() == 1
    assert made["owner_a"] == made["provider_admin_a"]
