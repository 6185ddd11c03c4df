"""The matrix needs a database of its own making: counters on each table, canaries in tenant B."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from organizations.enums import Role
from tests import database
from tests.database import LOCAL, Databases, as_system
from tests.factories.names import World
from tests.factories.people import make_membership, make_user
from tests.matrix.ledger import Ledger
from tests.matrix.objects import Objects
from tests.matrix.probe import middleware
from tests.matrix.runner import Matrix


@pytest.fixture(scope="module")
def laid_open(django_db_setup: None, django_db_blocker: Any, databases: Databases) -> Iterator[tuple[Objects, int]]:
    """Triggers and canaries for the tests of a module; a fresh copy of the database afterwards."""
    world = World.load(LOCAL / f"{databases.template}.json")
    try:
        with django_db_blocker.unblock():
            objects = Objects(world, _join(world))
            marked = Ledger(databases).open(objects)
            yield objects, marked
            database._close_connections()
    finally:
        databases.renew()


def _join(world: World) -> dict[tuple[str, str], str]:
    """Somebody of each tenant has a session on record; a colleague of tenant A who asks for nothing stands for its
    people, so that acts on people never change who asks."""
    from allauth.usersessions.models import UserSession  # noqa: PLC0415 -- needs the settings

    with as_system():
        for user in (world.client_user_a, world.counselor_a, world.counselor_b):
            key = secrets.token_hex(16)
            UserSession.objects.create(user=user, ip="127.0.0.1", session_key=key, user_agent="Firefox")
        colleague = make_user("colleague@tenant-a.example")
        membership = make_membership(colleague, world.provider_a, Role.COUNSELOR)
    return {("organizations.membership", "tenant"): str(membership.pk), ("accounts.user", "tenant"): str(colleague.pk)}


@pytest.fixture
def matrix(
    laid_open: tuple[Objects, int], db: None, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Matrix]:
    """All acts and all roles, over the world with its canaries. One person asks for more here than any person does in
    a minute, and each denial must be on record."""
    monkeypatch.setattr("admin_site.middleware.NOTES_A_MINUTE", 1_000_000)
    settings.MIDDLEWARE = middleware()
    settings.MANUAL_PAYMENT_FALLBACK_ENABLED = True
    logging.disable(logging.CRITICAL)
    yield Matrix(world, laid_open[0])
    logging.disable(logging.NOTSET)
