"""Both nets let the same rows through, for anyone."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.context import ANONYMOUS, Actor, Kind, acting
from core.rls import tables
from core.scope import scope_of, visible_q
from organizations.actors import load_actor
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

PEOPLE = (
    "platform_admin", "platform_support", "stranger", "auditor", "two_hats", "provider_admin_a", "counselor_b",
    "owner_a", "attorney_a", "attorney_b", "client_user_a", "spouse_user_b", "worker",
)  # fmt: skip


def scoped_models() -> list[type[models.Model]]:
    return [table.model for table in tables() if table.model is not None and not table.scope.infrastructure]


def through_the_orm(model: type[models.Model], actor: Actor) -> set[Any]:
    with as_system():
        return set(model._base_manager.filter(visible_q(model, actor)).values_list("pk", flat=True))


def through_row_security(model: type[models.Model]) -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {model._meta.pk.column} FROM "{model._meta.db_table}"')
        return {row[0] for row in cursor.fetchall()}


def differences(actor: Actor) -> dict[str, tuple[int, int]]:
    found = {}
    for model in scoped_models():
        by_orm = through_the_orm(model, actor)
        with acting(actor):
            by_database = through_row_security(model)
        if {str(pk) for pk in by_orm} != {str(pk) for pk in by_database}:
            found[model._meta.label] = (len(by_orm), len(by_database))
    return found


@pytest.mark.parametrize("name", PEOPLE)
def test_both_nets_show_each_person_the_same_rows(world: World, name: str) -> None:
    """CERT-14, A-04."""
    with as_system():
        actor = load_actor(getattr(world, name))

    assert differences(actor) == {}


def test_both_nets_show_an_anonymous_visitor_the_same_rows(world: World) -> None:
    """CERT-18: of providers, exactly the approved and active ones."""
    assert differences(ANONYMOUS) == {}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_both_nets_agree_for_any_mix_of_memberships(world: World, data: st.DataObject) -> None:
    organizations = [world.provider_a.pk, world.provider_b.pk, world.firm_a.pk, world.firm_b.pk, uuid.uuid4()]
    users = [world.client_user_a.pk, world.counselor_b.pk, uuid.uuid4(), None]
    codes = ["", world.certificate_b.verification_code, "no such code"]
    actor = Actor(
        kind=data.draw(st.sampled_from([Kind.PERSON, Kind.ANONYMOUS, Kind.PLATFORM, Kind.AUTH])),
        user_id=data.draw(st.sampled_from(users)),
        memberships=dict.fromkeys(data.draw(st.sets(st.sampled_from(organizations))), "owner"),
        key=data.draw(st.sampled_from(codes)),
    )

    assert differences(actor) == {}


def test_every_tenant_model_shows_rows_to_compare(world: World) -> None:
    """The comparison would be empty talk on empty tables."""
    with as_system():
        empty = {
            model._meta.label
            for model in apps.get_models()
            if hasattr(model, "privacy") and not scope_of(model).everyone and not model._base_manager.exists()
        }

    assert empty - {"core.RateLimit"} == set()
