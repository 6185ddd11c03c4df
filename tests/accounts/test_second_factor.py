"""The second step: setting it up, proving it, losing it, and who must have it."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from audit.models import AuditEvent
from notifications.models import Message
from tests.accounts.factors import code_of, factors_of, give_app, give_backup_codes
from tests.database import as_system
from tests.factories.people import PASSWORD
from tests.web import sign_in

pytestmark = pytest.mark.django_db
LOGIN, CODE = "/accounts/login/", "/accounts/2fa/authenticate/"


def password_step(client, user):
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD})


def is_in(client):
    return client.get("/account").status_code == 200


def mails(user):
    with as_system():
        return list(Message.objects.filter(to=user.email).order_by("created_at").values_list("event", flat=True))


def events(user):
    with as_system():
        return list(AuditEvent.objects.filter(target_id=str(user.pk)).order_by("seq").values_list("act", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_code_app_is_set_up_with_backup_codes_shown_once_and_ends_other_sessions(world):
    user, here, elsewhere = world.counselor_a, sign_in(Client(), world.counselor_a), Client()
    sign_in(elsewhere, user)
    page = here.get("/accounts/2fa/totp/activate/").content.decode()
    secret = re.search(r'class="secret">(\w+)<', page).group(1)
    assert "data:image/svg+xml;base64," in page
    before = here.cookies["session"].value
    answer = here.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    assert here.cookies["session"].value != before
    shown = re.findall(r"<code>(\d{8})</code>", here.get("/accounts/2fa/recovery-codes/").content.decode())
    assert len(set(shown)) == 10
    assert not re.findall(r"<code>\d{8}</code>", here.get("/accounts/2fa/recovery-codes/").content.decode())
    assert is_in(here)
    assert not is_in(elsewhere)
    assert mails(user) == ["user.second_factor_changed"]
    assert "user.second_factor_changed" in events(user)
    with as_system():
        stored = str(list(Authenticator.objects.filter(user=user).values_list("data", flat=True)))
    assert secret not in stored
    assert not any(code in stored for code in shown)


def test_after_the_password_a_code_is_needed_and_counts_once(world):
    user, first, second = world.counselor_a, Client(), Client()
    secret = give_app(user)
    assert password_step(first, user)["Location"] == CODE
    assert not is_in(first)
    before, code = first.cookies["session"].value, code_of(secret)
    assert first.post(CODE, {"code": f"{code[:3]} {code[3:]}"})["Location"] == "/dashboard"
    assert first.cookies["session"].value != before
    assert is_in(first)
    password_step(second, user)
    assert second.post(CODE, {"code": code}).status_code == 200
    assert not is_in(second)
    assert second.post(CODE, {"code": code_of(secret, steps=-1)}).status_code == 200
    assert second.post(CODE, {"code": code_of(secret, steps=1)})["Location"] == "/dashboard"


def test_a_backup_code_counts_once(world):
    user = world.counselor_a
    give_app(user)
    code = give_backup_codes(user)[0]
    for expected in (True, False):
        client = Client()
        password_step(client, user)
        client.post(CODE, {"code": code})
        assert is_in(client) is expected


def test_wrong_codes_lock_the_account_for_a_while(world):
    user, client = world.counselor_a, Client()
    secret = give_app(user)
    password_step(client, user)
    answers = [client.post(CODE, {"code": "000000"}).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert client.post(CODE, {"code": code_of(secret)}).status_code == 429
    assert not is_in(client)


def test_a_platform_role_gets_nowhere_without_the_second_step_where_it_is_asked_for(world, client, settings):
    sign_in(client, world.platform_admin)
    assert client.get("/console/").status_code == 200
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    for path in ("/console/", "/account", "/accounts/password/change/", "/console/accounts/user/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/account/second-step")
    refused = client.get("/console/", headers={"accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "second_factor_needed")
    assert client.get("/account/second-step?next=/console/").status_code == 200
    secret = re.search(r'class="secret">(\w+)<', client.get("/accounts/2fa/totp/activate/").content.decode()).group(1)
    client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert client.get("/account/second-step")["Location"] == "/console/"
    assert client.get("/console/").status_code == 200


def test_who_has_a_factor_and_a_session_without_it_is_asked_for_a_code(world, client, settings):
    sign_in(client, world.platform_admin)
    secret = give_app(world.platform_admin)
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    answer = client.get("/console/")
    assert answer["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fconsole%2F"
    assert client.post(answer["Location"], {"code": code_of(secret)})["Location"] == "/console/"
    assert client.get("/console/").status_code == 200


def test_an_organization_can_ask_its_staff_for_the_second_step(world):
    counselor, client_user, other = (sign_in(Client(), getattr(world, name)) for name in
                                     ("counselor_a", "client_user_a", "counselor_b"))  # fmt: skip
    with as_system():
        provider = world.provider_a
        provider.requires_second_factor = True
        provider.save(update_fields=["requires_second_factor"])
    assert counselor.get("/console/")["Location"].startswith("/account/second-step")
    assert client_user.get("/my/").status_code == 200
    assert other.get("/console/").status_code == 200


def test_a_lost_factor_is_reset_by_an_administrator_who_says_why(world):
    user, admin, support = world.counselor_a, Client(), Client()
    give_app(user)
    give_backup_codes(user)
    sign_in(admin, world.platform_admin)
    sign_in(support, world.platform_support)
    address = f"/console/accounts/user/{user.pk}/do/reset_second_factor/"
    assert support.post(address, {"reason": "asked by phone"}).status_code == 403
    assert factors_of(user) == ["recovery_codes", "totp"]
    assert admin.post(address, {"reason": "called back on the known number"}).status_code == 302
    assert factors_of(user) == []
    assert mails(user) == ["user.second_factor_reset"]
    assert "user.second_factor_reset" in events(user)


def test_a_dangerous_act_asks_again_after_a_while_and_keeps_what_was_filled_in(world, client, settings):
    settings.FRESH_MINUTES = 0
    user = world.counselor_a
    sign_in(client, world.platform_admin)
    give_app(user)
    address = f"/console/accounts/user/{user.pk}/do/reset_second_factor/"
    assert 'name="proof"' in client.get(address).content.decode()
    refused = client.post(address, {"reason": "lost the phone", "proof": "not it"})
    assert (refused.status_code, "lost the phone" in refused.content.decode()) == (200, True)
    assert client.post(address, {"reason": "lost the phone"}).status_code == 200
    assert factors_of(user) == ["totp"]
    assert client.post(address, {"reason": "lost the phone", "proof": PASSWORD}).status_code == 302
    assert factors_of(user) == []


@pytest.mark.parametrize("path", [
    "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/",
    "/accounts/2fa/reauthenticate/",
])  # fmt: skip
def test_every_page_of_the_second_step_is_ours_in_both_languages(world, client, path):
    sign_in(client, world.client_user_a)
    if "reauthenticate" in path:
        give_app(world.client_user_a)
    english, spanish = client.get(path).content.decode(), client.get(f"/es{path}").content.decode()
    headings = [re.search(r"<h1>(.*?)</h1>", page, re.DOTALL).group(1) for page in (english, spanish)]
    assert "website/site.css" in english
    assert headings[0] != headings[1]
