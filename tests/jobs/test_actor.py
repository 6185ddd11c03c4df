"""Who the worker acts as, and that it does not work as nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from jobs.actor import NoActor, create_actor, find_actor
from tests.database import as_system, role
from tests.factories.names import World

pytestmark = pytest.mark.django_db

ROLE = "platform_admin"


def test_the_command_makes_one_process_account_and_prints_its_line(world: World, capsys: Any) -> None:
    """CERT-104."""
    with role("app_worker"):
        call_command("worker_create_actor", email="process@certaos.example")
        call_command("worker_create_actor", "--print-id", email="Process@certaos.example")

    line, bare = capsys.readouterr().out.splitlines()
    with as_system():
        user = User.objects.get(email="process@certaos.example")
    assert (line, bare) == (f"WORKER_ACTOR_USER_ID={user.pk}", str(user.pk))
    assert (user.is_process, user.platform_role, user.has_usable_password()) == (True, ROLE, False)


def test_a_persons_address_cannot_become_the_workers(world: World) -> None:
    with role("app_worker"), pytest.raises(CommandError, match="not a person's"):
        call_command("worker_create_actor", email=world.platform_admin.email)


def test_the_worker_finds_its_user(world: World) -> None:
    with as_system():
        assert find_actor(str(world.worker.pk), ROLE) == world.worker


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "WORKER_ACTOR_USER_ID is missing"),
        ("worker", "is not an id"),
        ("00000000-0000-4000-8000-000000000000", "names no user"),
        ("platform_admin", "must be a process account"),
        ("provider_admin_a", "must be a process account"),
        ("worker without its role", "must hold the role platform_admin"),
        ("worker switched off", "is switched off"),
    ],
)
def test_the_worker_refuses_to_start_as_anybody_else(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch, given: str, complaint: str
) -> None:
    """CERT-104: the command says what is wrong. Lies of the database are test_startup's matter."""
    monkeypatch.setattr("config.management.commands.worker.refuse_lies", lambda: None)
    changes: dict[str, dict[str, Any]] = {
        "worker without its role": {"platform_role": ""},
        "worker switched off": {"is_active": False},
    }
    with as_system():
        if given in changes:
            User.objects.filter(pk=world.worker.pk).update(**changes[given])
    known = {"platform_admin", "provider_admin_a"}
    settings.WORKER_ACTOR_USER_ID = (
        str(getattr(world, given).pk) if given in known else str(world.worker.pk) if given in changes else given
    )

    with role("app_worker"), pytest.raises(CommandError, match=complaint):
        call_command("worker")


def test_nobody_signs_in_as_the_worker(world: World) -> None:
    with as_system():
        user = create_actor(ROLE)
        with pytest.raises(NoActor):
            create_actor("platform_support")

    assert not user.check_password("")
    assert Client().login(username=user.email, password="") is False
