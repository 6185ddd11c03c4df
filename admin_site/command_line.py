"""Commands that act as a person: the same rights, the same rows as in the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from accounts.models import User
from core.context import Actor, acting, system_actor
from core.correlation import correlated, new_correlation_id
from organizations.actors import load_actor
from organizations.models import Organization


@contextmanager
def acting_person(email: str) -> Iterator[Actor]:
    """One transaction in which the database sees the person with this address; system sight ends before it begins.
    CommandError when there is no such active person."""
    with acting(system_actor("look up the person of a command")):
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        actor = load_actor(user) if user is not None else None
    if actor is None:
        raise CommandError(f"There is no active person {email}.")
    with correlated(new_correlation_id()), acting(actor):
        yield actor


def organization_by_slug(slug: str, actor: Actor) -> Organization:
    """The organization, if the person sees it; CommandError otherwise, also when it does not exist."""
    found = Organization.objects.visible_to(actor).filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no organization {slug} that {actor.label} can see.")
    return found
