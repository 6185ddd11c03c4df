"""N-07: every answer carries the headers that protect it, whatever it is."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.torture.accounts import forget_limits
from tests.web import sign_in

pytestmark = pytest.mark.django_db
SAMPLES = {"int": "1", "uuid": str(uuid.UUID(int=1)), "slug": "x", "str": "x", "path": "x"}
ODD = (
    "/static/website/site.css", "/static/nothing.css", "/nothing-here", "/es/nothing-here", "/console/nothing/",
    "/console/x.css", "/account;.png", "/%00", "/files/forged",
)  # fmt: skip
POLICY = ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")


def addresses() -> Iterator[str]:
    """Every address the resolver knows, with sample values in its holes."""

    def walk(resolver: Any, prefix: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            text = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, text)
            elif isinstance(pattern, URLPattern):
                yield "/" + filled(text)

    yield from walk(get_resolver(), "")


def filled(route: str) -> str:
    route = re.sub(r"<(?:(\w+):)?\w+>", lambda hole: SAMPLES.get(hole[1] or "str", "x"), route)
    route = re.sub(r"\(\?P<\w+>[^)]*\)", "x", route)
    return re.sub(r"\\Z|[\^$\\]", "", route)


def missing(answer: Any, *, signed_in: bool) -> list[str]:
    """What an answer lacks."""
    policy = answer.headers.get("Content-Security-Policy", "")
    scripts = re.search(r"script-src ([^;]*)", policy)
    wanted = {
        "policy": all(part in policy for part in POLICY),
        "no inline script": scripts is not None and "unsafe-inline" not in scripts[1],
        "nosniff": answer.headers.get("X-Content-Type-Options") == "nosniff",
        "referrer": answer.headers.get("Referrer-Policy") == "same-origin",
        "opener": answer.headers.get("Cross-Origin-Opener-Policy") == "same-origin",
        "frames": answer.headers.get("X-Frame-Options") == "DENY",
        "hsts": int(re.search(r"max-age=(\d+)", answer.headers.get("Strict-Transport-Security", "max-age=0"))[1])
        >= 31_536_000,
        "no-store": not signed_in or "no-store" in answer.headers.get("Cache-Control", ""),
    }
    return [name for name, held in wanted.items() if not held]


def sweep(world: Any, paths: list[str]) -> tuple[int, dict[str, list[str]]]:
    """Ask for every address as a visitor, a client and an administrator, by GET and by a POST without token."""
    found, n = {}, 0
    for user in (None, world.client_user_a, world.platform_admin):
        for path in paths:
            client = Client(enforce_csrf_checks=True, raise_request_exception=False)
            if user is not None:
                sign_in(client, user)
            for method in ("get", "post"):
                answer = getattr(client, method)(path, secure=True)
                n += 1
                private = user is not None and not path.startswith("/static/")
                if lacking := missing(answer, signed_in=private):
                    found[f"{method} {path} {answer.status_code}"] = lacking
                answer.getvalue()
    return n, found


@pytest.fixture(autouse=True)
def as_deployed(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 63_072_000


@pytest.mark.torture("N-07")
def test_every_address_answers_with_every_header(world: Any, databases: Any, trial: Any) -> None:
    known = sorted(set(addresses()))
    chosen = known if len(known) <= (most := trial.scale(fast=25, long=10**6)) else trial.random.sample(known, most)
    forget_limits(databases)
    n, found = sweep(world, [*chosen, *ODD])
    trial.report(n=n, violations=len(found), addresses=len(known), missing=dict(list(found.items())[:8]))


@pytest.mark.control("N-07")
def test_a_policy_that_leaves_files_out_is_found_out(world: Any, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("csp.")]
    settings.MIDDLEWARE.insert(settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware"),
                               "csp.middleware.CSPMiddleware")  # fmt: skip
    assert sweep(world, ["/static/website/site.css"])[1] != {}
