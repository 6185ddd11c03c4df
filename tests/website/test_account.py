"""The account, its sessions, and where people land (CERT-13)."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.agents import device_name
from tests.database import as_system
from tests.factories.people import PASSWORD
from tests.web import sign_in
from website.hats import PLACES

pytestmark = pytest.mark.django_db
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Safari/604.1"


def browser(user, agent):
    """A browser in which the person signed in over the page."""
    client = Client(HTTP_USER_AGENT=agent)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def key_of(client):
    return client.cookies["session"].value


@pytest.mark.parametrize(("name", "place"), [
    ("platform_admin", "admin"), ("platform_support", "admin"), ("provider_admin_a", "provider"),
    ("owner_a", "provider"), ("counselor_a", "counselor"), ("attorney_a", "attorney"), ("client_user_a", "client"),
    ("stranger", "client"),
])  # fmt: skip
def test_everyone_lands_where_they_work(world, client, name, place):
    sign_in(client, getattr(world, name))
    assert client.get("/dashboard")["Location"] == f"/dashboard/{place}"
    assert client.get("/es/dashboard")["Location"] == f"/es/dashboard/{place}"
    target = client.get(f"/dashboard/{place}")["Location"]
    assert target == ("/my/" if place == "client" else f"/console/?as={place}")


@pytest.mark.parametrize("path", ["/dashboard", *(f"/dashboard/{name}" for name in PLACES)])
def test_a_visitor_is_asked_to_sign_in_and_comes_back(client, path):
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"


def test_a_place_that_is_not_ones_own_leads_home(world, client):
    sign_in(client, world.counselor_a)
    for name in ("admin", "provider", "attorney"):
        assert client.get(f"/dashboard/{name}")["Location"] == "/dashboard"


def test_several_hats_land_at_the_highest_and_find_the_others_in_the_account(world, client):
    with as_system():
        world.two_hats.memberships.filter(organization=world.firm_b).update(role="owner")
    sign_in(client, world.two_hats)
    assert client.get("/dashboard")["Location"] == "/dashboard/attorney"
    page = client.get("/account").content.decode()
    assert 'href="/dashboard/attorney"' in page
    assert 'href="/dashboard/counselor"' in page
    assert "Provider A: Counselor" in page


def test_name_and_language_are_saved_and_the_site_goes_on_in_that_language(world, client):
    sign_in(client, world.client_user_a)
    answer = client.post("/account", {"first_name": "Ana", "last_name": "Gil", "language": "es"})
    assert answer["Location"] == "/es/account"
    assert (world.client_user_a.get_full_name(), world.client_user_a.language) == ("Ana Gil", "es")
    assert client.post("/account", {"language": "xx"}).status_code == 422


def test_the_account_form_changes_nothing_else(world, client):
    sign_in(client, world.client_user_a)
    client.post("/account", {"language": "en", "platform_role": "platform_admin", "email": "x@example.org"})
    assert (world.client_user_a.platform_role, world.client_user_a.email) == ("", "client.user@tenant-a.example")


def test_the_list_shows_every_device_in_plain_words(world):
    desk, phone = browser(world.counselor_a, CHROME), browser(world.counselor_a, IPHONE)
    page = desk.get("/accounts/sessions/").content.decode()
    assert "Chrome, Windows" in page
    assert "Safari, iPhone" in page
    assert page.count("This device") == 1
    assert page.count("127.0.0.1") == 2
    assert phone.get("/accounts/sessions/").status_code == 200


def test_one_device_is_signed_out_on_the_server(world):
    desk, phone = browser(world.counselor_a, CHROME), browser(world.counselor_a, IPHONE)
    with as_system():
        row = UserSession.objects.get(session_key=key_of(phone))
    assert desk.post(f"/account/sessions/{row.pk}/end")["Location"] == "/accounts/sessions/"
    with as_system():
        assert not Session.objects.filter(session_key=key_of(phone)).exists()
    assert phone.get("/account").status_code == 302
    assert desk.get("/account").status_code == 200


def test_all_other_devices_are_signed_out_at_once(world):
    desk, *others = (browser(world.counselor_a, agent) for agent in (CHROME, IPHONE, ""))
    assert desk.post("/accounts/sessions/").status_code == 302
    assert [other.get("/account").status_code for other in others] == [302, 302]
    assert desk.get("/account").status_code == 200


def test_signing_out_the_present_device_leads_to_the_front_page(world):
    desk = browser(world.counselor_a, CHROME)
    with as_system():
        row = UserSession.objects.get(session_key=key_of(desk))
    assert desk.post(f"/account/sessions/{row.pk}/end")["Location"] == "/"
    assert desk.get("/account").status_code == 302


def test_somebody_elses_session_cannot_be_ended(world):
    mine, theirs = browser(world.counselor_a, CHROME), browser(world.counselor_b, CHROME)
    with as_system():
        row = UserSession.objects.get(session_key=key_of(theirs))
    assert mine.post(f"/account/sessions/{row.pk}/end").status_code == 404
    assert mine.get(f"/account/sessions/{row.pk}/end").status_code == 405
    assert theirs.get("/account").status_code == 200


@pytest.mark.parametrize(("agent", "name"), [
    (CHROME, "Chrome, Windows"), (IPHONE, "Safari, iPhone"), ("", "Unknown device"), ("curl/8.5", "Unknown device"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Linux"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/537 Chrome/130 Safari/537 Edg/130", "Edge, Mac"),
])  # fmt: skip
def test_a_device_has_a_name_people_recognise(agent, name):
    assert device_name(agent) == name
