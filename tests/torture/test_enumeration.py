"""U-05, U-06, A-09: guessing is limited, and nobody learns who has an account."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.torture.accounts import LOGIN, ask, auc, forget_limits

pytestmark = pytest.mark.django_db(transaction=True)
MOST_FROM_ADDRESS = 20
RESET, SIGN_UP = "/accounts/password/reset/", "/sign-up"


def page(answer: Any, email: str) -> tuple[int, str, str]:
    """What a visitor sees, without what differs on every request."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, answer.get("Location", ""), text.replace(email, "E")


def sign_in(email: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(LOGIN, {"login": email, "password": "not the password"})


def ask_reset(email: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(RESET, {"email": email})


def sign_up(email: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(SIGN_UP, {"email": email, "password1": "a password like no other"})


def ask_invitation(email: str, address: str) -> Any:
    return Client(REMOTE_ADDR=address).post(SIGN_UP, {"email": email})


PATHS: dict[str, Callable[[str, str], Any]] = {
    "sign-in": sign_in, "reset": ask_reset, "invitation again": ask_invitation, "sign-up": sign_up,
}  # fmt: skip


def told_apart(databases: Any, path: Callable[[str, str], Any], known: str, pairs: int) -> tuple[int, float]:
    """Answers that differ between an address with and one without account, and how well time tells them apart."""
    differing, times = 0, ([], [])
    for number in range(pairs):
        forget_limits(databases)
        unknown = f"nobody{number}@example.org"
        pages = []
        for side, email in enumerate((known, unknown)) if number % 2 else ((1, unknown), (0, known)):
            began = time.perf_counter()
            answer = path(email, "127.0.0.9")
            times[side].append(time.perf_counter() - began)
            pages.append(page(answer, email))
        differing += pages[0] != pages[1]
    return differing, auc(*times)


@pytest.mark.torture("U-06", "A-09")
def test_an_address_with_an_account_is_answered_like_one_without(
    world: Any, databases: Any, trial: Any, settings: Any
) -> None:
    pairs = trial.scale(fast=3, long=150)
    known, violations, figures = world.counselor_b.email, 0, {}
    for name, path in PATHS.items():
        settings.ALLOW_PUBLIC_SIGNUP = name == "sign-up"
        differing, share = told_apart(databases, path, known, pairs if name != "sign-up" else min(pairs, 60))
        figures[name] = round(share, 3)
        violations += differing + (share > 0.6 and pairs > 100)
    trial.report(n=pairs * len(PATHS), violations=violations, auc=figures)


@pytest.mark.control("U-06", "A-09")
def test_a_sign_in_that_saves_work_for_strangers_is_found_out(
    world: Any, databases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.backends.SignInBackend._mitigate_timing_attack", lambda *_: None)
    assert told_apart(databases, sign_in, world.counselor_b.email, 5)[1] > 0.6


def spray(databases: Any, trial: Any, tries: int, **server: Any) -> tuple[int, int]:
    """Passwords over many accounts from fifty forged addresses: (tries, those that were judged)."""
    client = Client(REMOTE_ADDR="203.0.113.9", **server)
    before = ask(databases, "SELECT count(*) FROM audit_systemevent WHERE source = 'sign_in'")
    for number in range(tries):
        forged = f"198.51.100.{trial.random.randrange(50)}"
        client.post(
            LOGIN, {"login": f"person{number % 1000}@example.org", "password": f"guess {number}"},
            headers={"x-forwarded-for": forged},
        )  # fmt: skip
    return tries, ask(databases, "SELECT count(*) FROM audit_systemevent WHERE source = 'sign_in'") - before


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried here is how often a password is judged, not how long that takes."""
    monkeypatch.setattr("django.contrib.auth.hashers.PBKDF2PasswordHasher.iterations", 1)


@pytest.mark.torture("U-05")
@pytest.mark.usefixtures("cheap_hashes")
def test_forged_addresses_buy_no_tries(databases: Any, trial: Any) -> None:
    tries, judged = spray(databases, trial, trial.scale(fast=60, long=10_000))
    trial.report(n=tries, violations=max(0, judged - MOST_FROM_ADDRESS), judged=judged)


@pytest.mark.control("U-05")
@pytest.mark.usefixtures("cheap_hashes")
def test_a_server_that_believes_every_forwarded_address_is_found_out(databases: Any, settings: Any) -> None:
    from tests.trials import Trial  # noqa: PLC0415 -- only its dice are wanted

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert spray(databases, Trial("control", (), 7), 40)[1] > MOST_FROM_ADDRESS
