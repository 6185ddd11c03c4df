"""Act as one of the world's people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import User
from core.context import Actor, acting
from organizations.actors import load_actor
from tests.database import as_system


def actor_of(user: User) -> Actor:
    """The actor of a user, read past both nets."""
    with as_system():
        return load_actor(user)


@contextmanager
def acting_as(user: User) -> Iterator[Actor]:
    """The context a request of `user` runs in."""
    with acting(actor_of(user)) as actor:
        yield actor
