"""U-01, U-11: sessions end when they must, and never a moment later."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from core import clock
from organizations.services.sessions import end_sessions
from tests.accounts.factors import code_of, give_app
from tests.database import as_system
from tests.factories.people import PASSWORD
from tests.torture.accounts import CODE, at_once, password_step
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def key(client: Client) -> str:
    return client.cookies["session"].value


def exists(session_key: str) -> bool:
    with as_system():
        return Session.objects.filter(session_key=session_key).exists()


def rotations(world: Any) -> dict[str, bool]:
    """Whether each step of rights came with a new key, and the old one was worth nothing."""
    found: dict[str, bool] = {}
    user, client = world.counselor_a, Client()
    client.cookies["session"] = "planted-by-a-stranger"
    secret = give_app(user)
    password_step(client, user)
    pending = key(client)
    client.post(CODE, {"code": code_of(secret)})
    signed_in = key(client)
    found["a planted key is not taken"] = pending != "planted-by-a-stranger"
    found["the code brings a new key"] = signed_in != pending and not exists(pending)
    chosen = {"oldpassword": PASSWORD, "password1": "another long password", "password2": "another long password"}
    other = sign_in(Client(), user)
    client.post("/accounts/password/change/", chosen)
    found["a new password brings a new key"] = key(client) != signed_in and client.get("/account").status_code == 200
    found["a new password ends other sessions"] = other.get("/account").status_code == 302
    before = key(client)
    client.post("/accounts/logout/")
    found["signing out ends it on the server"] = not exists(before)
    return found


def limits(world: Any, settings: Any) -> dict[str, bool]:
    """Idle and absolute limits, a minute before and a minute after, by a clock that stands."""
    found: dict[str, bool] = {}
    people = {"platform": world.platform_admin, "staff": world.counselor_a, "person": world.client_user_a}
    for name, user in people.items():
        idle, absolute = settings.SESSION_TERMS[name]
        for wait, expected in ((idle - 60, 200), (idle + 60, 302)):
            with time_machine.travel(clock.now(), tick=False) as traveller:
                client = sign_in(Client(), user)
                client.get("/account")
                traveller.shift(wait)
                found[f"{name} idle {wait}"] = client.get("/account").status_code == expected
        with time_machine.travel(clock.now(), tick=False) as traveller:
            client, spent = sign_in(Client(), user), 0
            while spent + idle // 2 < absolute - 60:
                traveller.shift(idle // 2)
                spent += idle // 2
                client.get("/account")
            traveller.shift(absolute - 60 - spent)
            found[f"{name} nearly over"] = client.get("/account").status_code == 200
            traveller.shift(120)
            found[f"{name} over"] = client.get("/account").status_code == 302
    return found


@pytest.mark.torture("U-01")
def test_keys_change_with_rights_and_limits_hold_to_the_minute(world: Any, trial: Any, settings: Any) -> None:
    held = rotations(world) | limits(world, settings)
    broken = [name for name, holds in held.items() if not holds]
    trial.report(n=len(held), violations=len(broken), broken=broken)


@pytest.mark.control("U-01")
def test_sessions_without_a_term_are_found_out(world: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("organizations.actors.seconds_left", lambda *_: 1)
    assert not all(limits(world, settings).values())


def late(world: Any, databases: Any, requests: int, end: Any) -> tuple[int, int]:
    """Requests in flight while the session is revoked: (all of them, those begun after the end and let in)."""
    user, client = world.counselor_a, sign_in(Client(), world.counselor_a)
    client.get("/account")
    cookie, ended = key(client), []

    def revoke() -> None:
        time.sleep(0.3)
        end(user)
        ended.append(time.monotonic())

    def request(_: int) -> tuple[float, int]:
        browser = Client()
        browser.cookies["session"] = cookie
        began = time.monotonic()
        return began, browser.get("/account").status_code

    thread = threading.Thread(target=lambda: at_once(lambda _: revoke(), [0], threads=1))
    thread.start()
    answers = []
    while thread.is_alive() or len(answers) < requests:
        answers += at_once(request, range(10))
    answers += at_once(request, range(10))
    thread.join()
    return len(answers), sum(status == 200 for began, status in answers if began > ended[0])


def end_now(user: Any) -> None:
    from core.context import acting, system_actor  # noqa: PLC0415 -- in a thread of its own
    from tests.database import role  # noqa: PLC0415 -- the same

    with role("app_worker"), acting(system_actor("trial")):
        end_sessions(user, reason="trial")


@pytest.mark.torture("U-11")
def test_no_request_begun_after_the_end_of_a_session_is_let_in(world: Any, databases: Any, trial: Any) -> None:
    n, violations = late(world, databases, trial.scale(fast=40, long=100), end_now)
    trial.report(n=n, violations=violations)


@pytest.mark.control("U-11")
def test_an_end_that_is_told_before_it_is_committed_is_found_out(world: Any, databases: Any) -> None:
    assert late(world, databases, 20, lambda _: None)[1] > 0
