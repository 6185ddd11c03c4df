"""The demo people and organizations as their files describe them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings


@cache
def read(name: str) -> Any:
    """The content of `fixtures/demo/<name>.json`."""
    return json.loads((settings.FIXTURES_DIR / "demo" / f"{name}.json").read_text(encoding="utf-8"))


def password() -> str:
    """The one password of every demo person."""
    return str(read("people")["password"])


@dataclass(frozen=True, slots=True)
class Login:
    """A line of the table of log-ins. `password` is empty for people who have not signed up."""

    who: str
    name: str
    email: str
    password: str
    look: str


WITHOUT_LOGIN = frozenset({"requested", "invited"})


def logins() -> list[Login]:
    """Everybody, staff first, in the order of the files."""
    people = read("people")
    found = [_login(person, password()) for person in people["platform"] + people["staff"]]
    for client in read("clients"):
        found.append(_login(client, "" if client["reached"] in WITHOUT_LOGIN else password()))
        if "spouse" in client:
            found.append(_login(client["spouse"], password()))
    return found


def _login(person: dict[str, Any], secret: str) -> Login:
    name = f"{person['first_name']} {person['last_name']}"
    return Login(person["who"], name, person["email"], secret, person["look"])
