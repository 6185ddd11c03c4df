"""Sign in and out, forget and change a password, change the address: through the real middleware, as app_web."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from audit.models import SystemEvent
from notifications.models import Message
from organizations.actors import GENERATION_KEY
from tests.database import as_system
from tests.factories.people import PASSWORD

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def attempt(client, email, password=PASSWORD, path=LOGIN):
    return client.post(path, {"login": email, "password": password})


def last_mail(to):
    with as_system():
        return Message.objects.filter(to=to).latest("created_at")


def link_in(message, part):
    """The path of the link in a mail."""
    return re.search(rf"https?://[^/]+(/\S*{part}\S*)", message.text_body).group(1)


def test_the_address_works_in_any_case_and_the_session_is_new(world, client):
    client.get(LOGIN)
    client.cookies["session"] = "planted"
    answer = attempt(client, world.counselor_a.email.upper())
    key = client.cookies["session"].value
    with as_system():
        session = Session.objects.get(session_key=key).get_decoded()
    assert (answer.status_code, answer["Location"]) == (302, "/dashboard")
    assert key != "planted"
    assert session[GENERATION_KEY] == world.counselor_a.session_generation
    assert world.counselor_a.last_login is not None
    with as_system():
        assert User.history.filter(id=world.counselor_a.pk).count() == 1


def test_the_page_one_wanted_comes_after_sign_in_and_foreign_ones_do_not(world, client):
    assert attempt(client, world.client_user_a.email, path=f"{LOGIN}?next=/account")["Location"] == "/account"
    other = Client()
    assert (
        attempt(other, world.client_user_a.email, path=f"{LOGIN}?next=https://evil.example/")["Location"]
        == "/dashboard"
    )


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(world, client):
    known = attempt(client, world.counselor_a.email, "not the password")
    unknown = attempt(Client(), "nobody@example.org", "not the password")
    assert known.status_code == unknown.status_code == 200
    assert shown(known, world.counselor_a.email) == shown(unknown, "nobody@example.org")
    with as_system():
        assert SystemEvent.objects.filter(source="sign_in").count() == 2


def shown(answer, email):
    """A page without what differs on every request."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return text.replace(email, "E")


def test_too_many_wrong_passwords_stop_the_right_one_too(world, client):
    for _ in range(5):
        attempt(client, world.counselor_a.email, "not the password")
    answer = attempt(client, world.counselor_a.email)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 300
    assert "session" not in client.cookies or not signed_in(client)


def signed_in(client):
    return client.get("/account").status_code == 200


@pytest.mark.parametrize("field", ["is_active", "is_process"])
def test_inactive_people_and_process_accounts_do_not_sign_in(world, client, field):
    with as_system():
        user = world.counselor_a
        setattr(user, field, field == "is_process")
        user.save()
    attempt(client, user.email)
    assert not signed_in(client)


def test_a_person_switched_off_is_out_at_the_next_request(world, client):
    attempt(client, world.counselor_a.email)
    assert signed_in(client)
    with as_system():
        user = world.counselor_a
        user.is_active = False
        user.save()
    assert not signed_in(client)


def test_signing_out_needs_a_post_and_ends_the_session_on_the_server(world, client):
    attempt(client, world.counselor_a.email)
    key = client.cookies["session"].value
    assert client.get("/accounts/logout/").status_code == 200
    assert signed_in(client)
    assert client.post("/accounts/logout/")["Location"] == "/"
    with as_system():
        assert not Session.objects.filter(session_key=key).exists()
    assert not signed_in(client)


def test_a_forgotten_password_is_replaced_over_the_mail_and_every_session_ends(world, client):
    elsewhere = Client()
    attempt(elsewhere, world.client_user_a.email)
    assert client.post("/accounts/password/reset/", {"email": world.client_user_a.email.upper()}).status_code == 302
    mail = last_mail(world.client_user_a.email)
    assert (mail.event, mail.person_id) == ("user.password_reset", world.client_user_a.pk)

    opened = client.get(link_in(mail, "password/reset/key"), follow=True)
    form = opened.redirect_chain[-1][0]
    answer = client.post(form, {"password1": "another long password", "password2": "another long password"})
    assert answer["Location"] == "/accounts/password/reset/key/done/"
    assert not signed_in(elsewhere)
    assert last_mail(world.client_user_a.email).event == "user.password_changed"
    assert client.get(link_in(mail, "password/reset/key"), follow=True).context["token_fail"] is True
    attempt(client, world.client_user_a.email, "another long password")
    assert signed_in(client)


def test_a_reset_for_an_unknown_address_looks_the_same(world, client):
    known = client.post("/accounts/password/reset/", {"email": world.client_user_a.email}, follow=True)
    unknown = Client().post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    assert shown(known, "-") == shown(unknown, "-")
    assert last_mail("nobody@example.org").event == "user.unknown_account"


def test_links_in_mails_never_follow_the_host_of_the_request(world, client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://certaos.example"
    client.post("/accounts/password/reset/", {"email": world.client_user_a.email}, headers={"host": "evil.example"})
    body = last_mail(world.client_user_a.email).text_body
    assert "https://certaos.example/accounts/password/reset/key/" in body
    assert "evil.example" not in body


def test_a_changed_password_keeps_this_session_and_ends_the_others(world, client):
    elsewhere = Client()
    for browser in (client, elsewhere):
        attempt(browser, world.attorney_a.email)
    passwords = {"oldpassword": PASSWORD, "password1": "another long password", "password2": "another long password"}
    assert client.post("/accounts/password/change/", passwords)["Location"] == "/account"
    assert signed_in(client)
    assert not signed_in(elsewhere)


def test_a_new_address_needs_the_password_and_counts_once_its_link_was_opened(world, client):
    attempt(client, world.client_user_a.email)
    asked = client.post("/accounts/email/", {"email": "New.Place@example.org", "action_add": ""})["Location"]
    assert asked == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    client.post(asked, {"password": "not the password"})
    with as_system():
        assert not EmailAddress.objects.filter(email="new.place@example.org").exists()
    assert client.post(asked, {"password": PASSWORD}).status_code == 302
    assert world.client_user_a.email == "client.user@tenant-a.example"
    mail = last_mail("new.place@example.org")
    path = link_in(mail, "confirm-email")
    assert client.get(path).status_code == 200
    assert world.client_user_a.email == "client.user@tenant-a.example"
    client.post(path)
    assert (world.client_user_a.email, world.client_user_a.username) == ("new.place@example.org",) * 2
    with as_system():
        kept = list(EmailAddress.objects.filter(user=world.client_user_a).values_list("email", "verified", "primary"))
    assert kept == [("new.place@example.org", True, True)]
    assert last_mail("client.user@tenant-a.example").event == "user.email_changed"


@pytest.mark.parametrize("path", [
    "/accounts/login/", "/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/inactive/",
    "/accounts/confirm-email/", "/accounts/confirm-email/none/", "/accounts/password/reset/key/abc-none/",
    "/accounts/password/reset/key/done/", "/sign-up",
])  # fmt: skip
def test_every_page_before_sign_in_is_ours_in_both_languages(world, client, path):
    english, spanish = client.get(path).content.decode(), client.get(f"/es{path}").content.decode()
    assert '<html lang="en">' in english
    assert '<html lang="es">' in spanish
    assert heading(english) != heading(spanish)


@pytest.mark.parametrize("path", [
    "/account", "/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/sessions/",
    "/accounts/2fa/", "/accounts/reauthenticate/",
])  # fmt: skip
def test_every_page_of_the_account_is_ours_in_both_languages(world, client, path):
    attempt(client, world.client_user_a.email)
    english, spanish = client.get(path).content.decode(), client.get(f"/es{path}").content.decode()
    assert '<html lang="en">' in english
    assert heading(english) != heading(spanish)


def heading(page):
    assert "website/site.css" in page
    return re.search(r"<h1>(.*?)</h1>", page, re.DOTALL).group(1).strip()
