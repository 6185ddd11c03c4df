"""U-03, U-04: nobody passes without the second step, and a code counts once."""

from __future__ import annotations

import re
from typing import Any

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import validate_totp_code
from allauth.mfa.utils import decrypt
from django.test import Client

from core import clock
from tests.accounts.factors import code_of, give_app, give_backup_codes
from tests.database import as_system
from tests.torture.accounts import CODE, LOGIN, ask, at_once, copies, forget_limits, full_sessions, password_step
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def room_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty honest tries at once are no attack here; the limits have trials of their own."""
    monkeypatch.setattr("website.forms.second_factor.try_secret", lambda *_: None)
    monkeypatch.setattr("website.forms.second_factor.was_right", lambda *_: None)
    monkeypatch.setattr("accounts.middleware.PAGES", {})


def race(databases: Any, user: Any, code: str, browsers: int) -> int:
    """The same code from many browsers at once; how many of them are in afterwards."""
    first = Client()
    password_step(first, user)
    at_once(lambda client: client.post(CODE, {"code": code}), copies(first, browsers))
    return full_sessions(databases, user)


@pytest.mark.torture("U-04")
def test_of_many_with_the_same_code_at_once_one_gets_in(world: Any, databases: Any, trial: Any) -> None:
    browsers, violations, tried = trial.scale(fast=10, long=50), 0, 0
    app, backup = give_app(world.counselor_a), give_backup_codes(world.counselor_a)
    with time_machine.travel(clock.now(), tick=False):
        for code in (code_of(app), backup[0], backup[-1]):
            tried += browsers
            ask(databases, "DELETE FROM django_session")
            violations += abs(race(databases, world.counselor_a, code, browsers) - 1)
        for code in (code_of(app), code_of(app, steps=-1), backup[0]):
            tried += 1
            ask(databases, "DELETE FROM django_session")
            violations += race(databases, world.counselor_a, code, 1)
    trial.report(n=tried, violations=violations, browsers=browsers)


@pytest.mark.control("U-04")
def test_a_code_that_is_only_compared_lets_many_in(world: Any, databases: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = give_app(world.counselor_a)

    def compare_only(user: Any, code: str) -> Any:
        factor = user.authenticator_set.get(type="totp")
        return factor if validate_totp_code(decrypt(factor.data["secret"]), code) else None

    monkeypatch.setattr("website.forms.second_factor.use_code", compare_only)
    assert abs(race(databases, world.counselor_a, code_of(app), 8) - 1) > 0


def ways_around(world: Any, databases: Any) -> dict[str, Client]:
    """Browsers that know the password, or the mailbox, and never the code."""
    user = world.platform_admin
    give_app(user)
    found = {}
    found["skips the page of the code"] = client = Client()
    password_step(client, user)
    client.get("/console/")
    found["asks for another page"] = client = Client()
    client.post(f"{LOGIN}?next=/console/", {"login": user.email, "password": "a long enough password"})
    found["resets the password"] = client = Client()
    client.post("/accounts/password/reset/", {"email": user.email})
    body = ask(databases, "SELECT text_body FROM notifications_message WHERE event = 'user.password_reset'")
    opened = client.get(re.search(r"https?://[^/]+(/\S+reset/key\S+)", body).group(1), follow=True)
    chosen = {"password1": "another long password", "password2": "another long password"}
    client.post(opened.redirect_chain[-1][0], chosen)
    found["signs in with the new password"] = client = Client()
    client.post(LOGIN, {"login": user.email, "password": "another long password"})
    found["signs in twice at the same time"] = client = copies(client, 1)[0]
    client.post(LOGIN, {"login": user.email, "password": "another long password"})
    found["has a session from before the rule"] = sign_in(Client(), world.platform_admin)
    found["had the factor reset and sets nothing up"] = sign_in(Client(), world.platform_support)
    return found


@pytest.mark.torture("U-03")
def test_no_way_leads_around_the_second_step(world: Any, databases: Any, trial: Any, settings: Any) -> None:
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    paths = ("/console/", "/account", "/dashboard", "/accounts/password/change/", "/console/accounts/user/")
    n, violations = 0, 0
    for client in ways_around(world, databases).values():
        for path in paths:
            n += 1
            violations += client.get(path).status_code == 200
        answer = client.get("/console/", headers={"accept": "application/json"})
        violations += answer.status_code == 200
        forget_limits(databases)
    trial.report(n=n, violations=violations)


@pytest.mark.control("U-03")
def test_a_rule_asked_only_at_sign_in_is_found_out(
    world: Any, databases: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    monkeypatch.setattr("accounts.middleware.needs_second_factor", lambda _: False)
    clients = ways_around(world, databases)
    assert clients["has a session from before the rule"].get("/console/").status_code == 200


@pytest.mark.torture("U-02")
def test_a_stricter_rule_bites_sessions_that_are_open(world: Any, trial: Any, settings: Any) -> None:
    settings.SESSION_TERMS = dict(settings.SESSION_TERMS)
    admin, counselor = sign_in(Client(), world.platform_admin), sign_in(Client(), world.counselor_a)
    short = sign_in(Client(), world.client_user_a)
    assert [client.get("/account").status_code for client in (admin, counselor, short)] == [200] * 3
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    settings.SESSION_TERMS["person"] = (43_200, 0)
    with as_system():
        provider = world.provider_a
        provider.requires_second_factor = True
        provider.save(update_fields=["requires_second_factor"])
    answers = [client.get("/account").status_code for client in (admin, counselor, short) for _ in range(3)]
    trial.report(n=len(answers), violations=answers.count(200))


@pytest.mark.control("U-02")
def test_a_rule_kept_from_the_first_request_is_found_out(
    world: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, remembered = sign_in(Client(), world.platform_admin), {}
    monkeypatch.setattr(
        "accounts.middleware.needs_second_factor", lambda actor: remembered.setdefault(actor.user_id, False)
    )
    client.get("/account")
    settings.SECOND_FACTOR_FOR_PLATFORM = True
    assert client.get("/account").status_code == 200
