"""An upload waits for its confirmation: sealed, one person's, one hour, once."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine

from accounts.models import User
from core.context import Actor, acting
from core.errors import DomainError
from files.models import StagedUpload
from organizations.actors import load_actor
from resources.staging import close, stage, take
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db
CONTENT = b"first_name,last_name\r\nMaria,Example\r\n"


def actor_of(user: User) -> Actor:
    with as_system():
        return load_actor(user)


def staged(user: User) -> StagedUpload:
    actor = actor_of(user)
    with acting(actor):
        return stage(CONTENT, name="clients.csv", resource="enrollments", actor=actor)


def taken(user: User, row: StagedUpload, **change: str) -> bytes:
    actor = actor_of(user)
    told = {"resource": row.resource, "sha256": row.sha256} | change
    with acting(actor):
        upload = take(str(row.pk), actor=actor, **told)
        close(upload)
        return upload.content


def test_the_body_is_sealed_and_opens_for_its_uploader(world: World) -> None:
    row = staged(world.provider_admin_a)
    assert "Maria" not in row.body
    assert taken(world.provider_admin_a, row) == CONTENT


@pytest.mark.parametrize("other", ["counselor_a", "provider_admin_b", "platform_admin"])
def test_nobody_else_can_confirm_it(world: World, other: str) -> None:
    row = staged(world.provider_admin_a)
    with pytest.raises(DomainError, match="can no longer be confirmed"):
        taken(getattr(world, other), row)


def test_it_is_confirmed_once_and_then_forgotten(world: World) -> None:
    row = staged(world.provider_admin_a)
    taken(world.provider_admin_a, row)
    with pytest.raises(DomainError):
        taken(world.provider_admin_a, row)
    with as_system():
        row.refresh_from_db()
    assert row.body == ""


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"resource": "payments"}])
def test_another_content_or_resource_is_refused(world: World, change: dict[str, str]) -> None:
    row = staged(world.provider_admin_a)
    with pytest.raises(DomainError):
        taken(world.provider_admin_a, row, **change)


def test_after_an_hour_it_is_gone(world: World) -> None:
    row = staged(world.provider_admin_a)
    with time_machine.travel(row.expires_at + dt.timedelta(seconds=1)), pytest.raises(DomainError):
        taken(world.provider_admin_a, row)


def test_a_body_moved_to_another_upload_does_not_open(world: World) -> None:
    one, other = staged(world.provider_admin_a), staged(world.provider_admin_a)
    with as_system():
        StagedUpload.objects.filter(pk=other.pk).update(body=one.body)
    with pytest.raises(Exception, match="does not belong"):
        taken(world.provider_admin_a, other)
