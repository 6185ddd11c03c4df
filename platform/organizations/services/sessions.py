"""End what people have open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from allauth.usersessions.models import UserSession
from django.db import transaction

from accounts.models import User
from audit.services import record
from core.context import Kind, acting, current_actor


@contextmanager
def reaching_logins() -> Iterator[None]:
    """Reach the login of another person for the length of a block.

    A login belongs to no organization, so an administrator of one cannot write it. Ending a colleague's sessions is
    the one effect their acts have on it, and it runs in the scope of the sign-in pages.
    """
    actor = current_actor()
    if actor is None or actor.sees_everything:
        yield
    else:
        with acting(replace(actor, kind=Kind.AUTH)):
            yield


def raise_generation(user: User) -> None:
    """Make every session of `user` that is open now end at its next request. `user` is brought up to date."""
    with reaching_logins():
        locked = User.objects.locked().get(pk=user.pk)
        locked.session_generation += 1
        locked.save(update_fields=["session_generation"])
    user.session_generation = locked.session_generation


@transaction.atomic
def end_sessions(user: User, *, reason: str = "") -> int:
    """Sign `user` out everywhere, on the server, with an audit event; returns how many sessions were open."""
    raise_generation(user)
    with reaching_logins():
        sessions = list(UserSession.objects.filter(user=user).order_by("pk"))
        for session in sessions:
            session.end()
    record("user.sessions_ended", user, reason=reason, payload={"sessions": len(sessions)})
    return len(sessions)


@transaction.atomic
def end_session(session: UserSession, *, reason: str = "") -> None:
    """Sign one device of a person out, on the server, with an audit event."""
    user = session.user
    with reaching_logins():
        session.end()
    record("user.session_ended", user, reason=reason)
