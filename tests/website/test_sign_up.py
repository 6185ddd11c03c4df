"""CERT-03, CERT-05, CERT-07 and the pages behind an invitation."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.test import Client as Browser

from accounts.models import User
from accounts.services import forget_login
from audit.models import AuditEvent
from enrollments.models import Client
from notifications.models import Message
from organizations.enums import InvitedRole
from organizations.models import Invitation, Membership
from organizations.services import copy_link, invite, revoke_invitation
from tests.database import as_system
from tests.factories.people import PASSWORD, make_user
from tests.web import sign_in

pytestmark = pytest.mark.django_db
NEW = "new.person@example.org"


def invited(world, role=InvitedRole.COUNSELOR, email=NEW, **options):
    homes = {"counselor": world.provider_a, "provider_admin": world.provider_a, "attorney": world.firm_a}
    with as_system():
        return invite(email, role, organization=homes.get(role), **options)


def sign_up(browser, token, **fields):
    data = {"email": NEW, "password1": PASSWORD, "first_name": "Nell", "last_name": "Newman"} | fields
    return browser.post(f"/sign-up?invitation={token}", data)


def mails(to):
    with as_system():
        return list(Message.objects.filter(to=to).order_by("created_at").values_list("event", flat=True))


def exists(email):
    with as_system():
        return User.objects.filter(email=email).exists()


def test_a_stranger_cannot_sign_up_when_only_the_invited_may(world, client):
    page = client.get("/sign-up")
    assert page.status_code == 200
    assert "Accounts are by invitation" in page.content.decode()
    client.post("/sign-up", {"email": "uninvited@example.org", "password1": PASSWORD})
    assert not exists("uninvited@example.org")
    assert client.get("/accounts/signup/")["Location"] == "/sign-up"
    assert (
        client.post("/accounts/signup/", {"email": "uninvited@example.org", "password1": PASSWORD}).status_code == 302
    )
    assert not exists("uninvited@example.org")
    assert mails("uninvited@example.org") == []


def test_a_stranger_may_sign_up_when_the_installation_is_open_and_must_prove_the_address(world, client, settings):
    settings.ALLOW_PUBLIC_SIGNUP = True
    answer = client.post("/sign-up", {"email": "Uninvited@Example.org", "password1": PASSWORD})
    assert answer["Location"] == "/accounts/confirm-email/"
    assert exists("uninvited@example.org")
    assert client.get("/account").status_code == 302
    assert mails("uninvited@example.org") == ["user.verify_email"]

    with as_system():
        body = Message.objects.get(to="uninvited@example.org").text_body
    path = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", body).group(1)
    assert client.post(path)["Location"] == "/dashboard"
    assert client.get("/account").status_code == 200


def test_open_sign_up_with_a_known_address_looks_the_same_and_tells_its_owner(world, client, settings):
    settings.ALLOW_PUBLIC_SIGNUP = True
    known = client.post("/sign-up", {"email": world.counselor_a.email, "password1": PASSWORD}, follow=True)
    fresh = Browser().post("/sign-up", {"email": "fresh@example.org", "password1": PASSWORD}, follow=True)
    assert known.redirect_chain == fresh.redirect_chain
    assert mails(world.counselor_a.email) == ["user.account_exists"]


def test_a_lost_invitation_is_sent_again_with_the_same_answer_for_everyone(world, client):
    invitation, token = invited(world)
    with as_system():
        Invitation.objects.filter(pk=invitation.pk).update(sent_at="2026-01-01T00:00Z")
    pages = [client.post("/sign-up", {"email": email}).content.decode() for email in (NEW, "nobody@example.org")]
    tidy = [re.sub(r"new\.person@example\.org|nobody@example\.org", "E", page) for page in pages]
    assert tidy[0] == tidy[1]
    assert mails(NEW) == ["user.invite.counselor"] * 2
    assert mails("nobody@example.org") == []
    assert client.get(f"/invitations/{token}").status_code == 410


def test_looking_at_an_invitation_changes_nothing_and_says_who_invites_to_what(world, client):
    invitation, token = invited(world)
    with as_system():
        before = Invitation.objects.filter(pk=invitation.pk).values().get(), AuditEvent.objects.count()
    page = client.get(f"/invitations/{token}")
    text = page.content.decode()
    assert page.status_code == 200
    assert "Provider A" in text
    assert "Counselor" in text
    assert f"/sign-up?invitation={token}" in text
    assert client.get(f"/sign-up?invitation={token}").status_code == 200
    assert client.post(f"/invitations/{token}").status_code == 200
    with as_system():
        assert (Invitation.objects.filter(pk=invitation.pk).values().get(), AuditEvent.objects.count()) == before


def test_the_invited_signs_up_with_the_mailed_link_and_is_in_at_once(world, client):
    invitation, token = invited(world, language="es")
    answer = client.post(
        f"/es/sign-up?invitation={token}",
        {"email": "someone.else@example.org", "password1": PASSWORD, "first_name": "Nell", "last_name": "Newman"},
    )
    assert (answer.status_code, answer["Location"]) == (302, "/es/dashboard")
    with as_system():
        user = User.objects.get(email=NEW)
        address = EmailAddress.objects.get(user=user)
        membership = Membership.objects.get(user=user)
        event = AuditEvent.objects.get(act="invitation.accepted", target_id=str(invitation.pk))
    assert not exists("someone.else@example.org")
    assert (address.email, address.verified, address.primary) == (NEW, True, True)
    assert (user.get_full_name(), user.username, user.language) == ("Nell Newman", NEW, "es")
    assert (membership.role, membership.organization_id) == ("counselor", world.provider_a.pk)
    assert (event.actor_id, event.actor_label) == (user.pk, NEW)
    assert client.get("/account").status_code == 200
    assert client.get("/dashboard")["Location"] == "/dashboard/counselor"
    assert mails(NEW) == ["user.invite.counselor"]


def test_a_link_handed_over_by_hand_does_not_prove_the_mailbox(world, client):
    invitation, _ = invited(world)
    with as_system():
        token = copy_link(invitation).rpartition("/")[2]
    assert sign_up(client, token)["Location"] == "/accounts/confirm-email/"
    with as_system():
        assert not Membership.objects.filter(user__email=NEW).exists()
        body = Message.objects.get(to=NEW, event="user.verify_email").text_body
    path = re.search(r"https?://[^/]+(/accounts/confirm-email/\S+)", body).group(1)
    assert client.post(path)["Location"] == f"/invitations/{token}"
    assert client.post(f"/invitations/{token}")["Location"] == "/dashboard"
    with as_system():
        assert Membership.objects.get(user__email=NEW).role == "counselor"


@pytest.mark.parametrize("how", ["revoked", "expired", "used", "unknown", "replaced"])
def test_a_link_that_does_not_work_gets_one_answer(world, client, how):
    invitation, token = invited(world)
    with as_system():
        if how == "revoked":
            revoke_invitation(invitation)
        elif how == "expired":
            Invitation.objects.filter(pk=invitation.pk).update(expires_at="2026-01-01T00:00Z")
        elif how == "replaced":
            invite(NEW, InvitedRole.COUNSELOR, organization=world.provider_a)
    if how == "used":
        sign_up(Browser(), token)
    token = "no-such-token" if how == "unknown" else token
    page = client.get(f"/invitations/{token}")
    assert page.status_code == client.get(f"/sign-up?invitation={token}").status_code == 410
    assert "It was used, taken back or replaced by a newer one" in page.content.decode()
    assert sign_up(client, token).status_code == 410
    assert exists(NEW) is (how == "used")


def test_one_link_makes_one_account(world, client):
    _, token = invited(world)
    assert sign_up(client, token).status_code == 302
    assert sign_up(Browser(), token).status_code == 410
    with as_system():
        assert User.objects.filter(email=NEW).count() == 1


def test_who_has_an_account_signs_in_and_accepts_with_one_press(world, client):
    _, token = invited(world, email=world.stranger.email.upper())
    page = client.get(f"/invitations/{token}").content.decode()
    assert f"/accounts/login/?next=%2Finvitations%2F{token}" in page
    answer = client.post(
        f"/accounts/login/?next=/invitations/{token}", {"login": world.stranger.email, "password": PASSWORD}
    )
    assert answer["Location"] == f"/invitations/{token}"
    key = client.cookies["session"].value
    assert client.get(f"/invitations/{token}").status_code == 200
    assert client.post(f"/invitations/{token}")["Location"] == "/dashboard"
    assert client.cookies["session"].value != key
    assert client.get("/account").status_code == 200
    assert client.get("/dashboard")["Location"] == "/dashboard/counselor"
    assert client.get(f"/invitations/{token}")["Location"] == "/dashboard"


def test_accepting_needs_the_token_of_the_form(world):
    _, token = invited(world, email=world.stranger.email)
    browser = sign_in(Browser(enforce_csrf_checks=True), world.stranger)
    assert browser.post(f"/invitations/{token}").status_code == 403


def test_the_wrong_account_is_told_so_and_can_sign_out(world, client):
    invitation, token = invited(world)
    sign_in(client, world.stranger)
    for answer in (client.get(f"/invitations/{token}"), client.post(f"/invitations/{token}")):
        assert answer.status_code == 403
        assert 'action="/accounts/logout/"' in answer.content.decode()
    answer = client.post("/accounts/logout/", {"next": f"/invitations/{token}"})
    assert answer["Location"] == f"/invitations/{token}"
    with as_system():
        assert Invitation.objects.get(pk=invitation.pk).status == "pending"


def test_a_client_who_signs_up_finds_their_course(world, client):
    with as_system():
        waiting = world.firm_client_a
        waiting.email = NEW
        waiting.save()
    _, token = invited(world, InvitedRole.CLIENT, sent_for=world.provider_a)
    page = client.get(f"/sign-up?invitation={token}").content.decode()
    assert 'name="first_name"' not in page
    assert client.post(f"/sign-up?invitation={token}", {"password1": PASSWORD}).status_code == 302
    with as_system():
        user = User.objects.get(email=NEW)
        assert Client.objects.get(pk=waiting.pk).user_id == user.pk
    assert user.get_full_name() == f"{waiting.first_name} {waiting.last_name}"
    assert client.get("/dashboard")["Location"] == "/dashboard/client"


def test_a_short_password_is_refused_with_a_reason(world, client):
    _, token = invited(world)
    answer = sign_up(client, token, password1="short")
    assert answer.status_code == 422
    assert "at least 10 characters" in answer.content.decode()
    assert not exists(NEW)


def test_a_person_whose_login_was_taken_away_gets_it_back_by_signing_up(world, client):
    with as_system():
        forget_login(world.counselor_a, reason="test")
    _, token = invited(world, InvitedRole.CLIENT, email=world.counselor_a.email)
    assert sign_up(client, token).status_code == 302
    assert client.get("/dashboard")["Location"] == "/dashboard/counselor"
    with as_system():
        assert User.objects.filter(email=world.counselor_a.email).count() == 1


def test_somebody_elses_pending_address_does_not_block_or_leak(world, client, settings):
    settings.ALLOW_PUBLIC_SIGNUP = True
    client.post("/sign-up", {"email": NEW, "password1": "the squatter's own"})
    _, token = invited(world)
    page = Browser().get(f"/invitations/{token}").content.decode()
    assert "Sign in and accept" in page
    assert exists(NEW)
    with as_system():
        assert not Membership.objects.filter(user__email=NEW).exists()


def test_signed_in_people_are_led_past_sign_up(world, client):
    _, token = invited(world, email=world.stranger.email)
    sign_in(client, world.stranger)
    assert client.get("/sign-up")["Location"] == "/dashboard"
    assert client.get(f"/sign-up?invitation={token}")["Location"] == f"/invitations/{token}"


def test_the_first_page_of_the_console_is_not_open_to_a_new_client(world, client):
    with as_system():
        make_user("plain@example.org")
        user = User.objects.get(email="plain@example.org")
    sign_in(client, user)
    assert client.get("/dashboard", follow=False)["Location"] == "/dashboard/client"
