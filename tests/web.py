"""Walk the site as a person, through the real middleware."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client

from accounts.models import User
from accounts.sessions import SIGNED_IN_AT, now_stamp
from core import clock
from organizations.actors import GENERATION_KEY
from tests.database import as_system


def session_of(user: User, **changes: Any) -> str:
    """The key of a new session of `user`, as the sign-in page would leave it but for `changes`."""
    with as_system():
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "accounts.backends.SignInBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session[GENERATION_KEY] = user.session_generation
        session[SIGNED_IN_AT] = now_stamp()
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": clock.now().timestamp()}]
        session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
        session.update(changes)
        session.save()
    return str(session.session_key)


def sign_in(client: Client, user: User) -> Client:
    """Give `client` a session of `user`, as the sign-in page would."""
    client.cookies[settings.SESSION_COOKIE_NAME] = session_of(user)
    return client
