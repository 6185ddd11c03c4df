"""The user that history and audit show for the worker's doings."""

from __future__ import annotations

from uuid import UUID

from accounts.models import User

EMAIL = "worker@certaos.invalid"


class NoActor(Exception):
    """The worker has nobody to act as; the text says what to do."""


def create_actor(role: str, *, email: str = EMAIL) -> User:
    """The process account of this e-mail, made when there is none. Nobody can sign in with it.

    NoActor when the address belongs to a person, or to a process of another role.
    """
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        return User.objects.create_user(email, None, first_name="Worker", is_process=True, platform_role=role)
    _judge(user, role)
    return user


def find_actor(user_id: str, role: str) -> User:
    """The worker's user. NoActor when the id is missing, malformed or unknown, or its user is not fit for it."""
    if not user_id:
        raise NoActor("WORKER_ACTOR_USER_ID is missing. Make the user with: manage.py worker_create_actor")
    try:
        user = User.objects.filter(pk=UUID(user_id)).first()
    except ValueError:
        raise NoActor("WORKER_ACTOR_USER_ID is not an id. See: manage.py worker_create_actor --print-id") from None
    if user is None:
        raise NoActor("WORKER_ACTOR_USER_ID names no user of this database. See: manage.py worker_create_actor")
    _judge(user, role)
    return user


def _judge(user: User, role: str) -> None:
    if not user.is_process:
        raise NoActor("The worker's user must be a process account, not a person's.")
    if user.platform_role != role:
        raise NoActor(f"The worker's user must hold the role {role} (WORKER_ACTOR_ROLE), not {user.platform_role!r}.")
    if not user.is_active:
        raise NoActor("The worker's user is switched off.")
