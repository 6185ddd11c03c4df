"""Which browsers a person has signed in with before. A signed cookie says so; nothing is kept on the server."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.models import User

AGE = dt.timedelta(days=400)
MOST_PEOPLE = 8
_SALT = "accounts.device"


def cookie_name() -> str:
    return "__Host-device" if settings.SECURE else "device"


def _people(request: HttpRequest) -> list[str]:
    try:
        return list(signing.loads(request.COOKIES.get(cookie_name(), ""), salt=_SALT, max_age=AGE))
    except (signing.BadSignature, TypeError):
        return []


def _name(user: User) -> str:
    return salted_hmac(_SALT, str(user.pk), algorithm="sha256").hexdigest()[:24]


def is_known(request: HttpRequest, user: User) -> bool:
    """Whether this browser says, in our own handwriting, that this person signed in with it before."""
    return _name(user) in _people(request)


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Let the browser remember that the person signed in with it; on a shared computer it remembers a few."""
    people = [_name(user), *(name for name in _people(request) if name != _name(user))][:MOST_PEOPLE]
    response.set_cookie(
        cookie_name(), signing.dumps(people, salt=_SALT), max_age=AGE, secure=settings.SECURE, httponly=True,
        samesite="Lax",
    )  # fmt: skip
