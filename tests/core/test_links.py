"""No row of one organization can point at a row of another: every pair of tables that the models link is tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, models, transaction
from django.test import RequestFactory

from admin_site.site import console
from core.context import acting
from core.links import SameHome
from core.rls import tables
from core.scope import organizations_of, scope_of
from organizations.actors import load_actor
from tests.core.test_row_security import superuser
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial


class Pair(NamedTuple):
    """A model and its foreign key to another model whose rows belong to an organization."""

    model: type[models.Model]
    field: models.ForeignKey[Any, Any]

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


def has_home(model: type[models.Model]) -> bool:
    scope = scope_of(model)
    return not scope.everyone and scope.organization != "self" and bool(scope.organization or scope.parent)


def pairs() -> Iterator[Pair]:
    """Links between two rows that each have a home; the link a row has its home through cannot disagree with it."""
    for model in (table.model for table in tables() if table.model is not None):
        if not has_home(model) or hasattr(model, "instance_type"):
            continue
        scope = scope_of(model)
        for field in model._meta.concrete_fields:
            only_way = field.name == scope.parent and not scope.organization
            if isinstance(field, models.ForeignKey) and has_home(field.related_model) and not only_way:
                yield Pair(model, field)


def row_of(model: type[models.Model], organization: Any, **wanted: Any) -> models.Model | None:
    with as_system():
        rows = model._base_manager.filter(**wanted)
        return next((row for row in rows if organization in organizations_of(row)), None)


def attempt(statement: str, parameters: list[Any]) -> str:
    """ "" when the database did it (nothing stays), else the code of its refusal."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            done = cursor.rowcount
            transaction.set_rollback(True)
    except DatabaseError as error:
        return getattr(error.__cause__, "sqlstate", None) or "refused"
    return "" if done else "no row"


def moves(pair: Pair, own: models.Model, foreign: models.Model) -> Iterator[tuple[str, list[Any]]]:
    """Point the row at the foreign one, and write another that does."""
    table, column, key = pair.model._meta.db_table, pair.field.column, pair.model._meta.pk.column
    yield f'UPDATE "{table}" SET {column} = %s WHERE {key}::text = %s', [foreign.pk, str(own.pk)]
    names = [field.column for field in pair.model._meta.concrete_fields]
    fresh = "gen_random_uuid()" if isinstance(pair.model._meta.pk, models.UUIDField) else "-1"
    values = ", ".join("%s" if name == column else fresh if name == key else f'"{name}"' for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    yield (
        f'INSERT INTO "{table}" ({quoted}) SELECT {values} FROM "{table}" WHERE {key}::text = %s',
        [foreign.pk, str(own.pk)],
    )


def links_made(world: World) -> tuple[int, list[str]]:
    """How much was tried, and every link across organizations that plain SQL, as the worker and as a member, made."""
    tried, made = 0, []
    ours, theirs = world.provider_a.pk, world.provider_b.pk
    with as_system():
        member = load_actor(world.owner_a)
    for pair in pairs():
        own, foreign = row_of(pair.model, ours), row_of(pair.field.related_model, theirs)
        if own is None or foreign is None:
            made.append(f"{pair}: no rows to try with")
            continue
        for statement, parameters in moves(pair, own, foreign):
            with as_system():
                answers = [("worker", attempt(statement, parameters))]
            with acting(member):
                answers.append(("member", attempt(statement, parameters)))
            tried += len(answers)
            made += [f"{pair}: {who} {statement.split()[0]}" for who, refusal in answers if not refusal]
    return tried, made


@pytest.mark.torture("A-08")
@pytest.mark.django_db
def test_no_link_leads_into_another_organization(world: World, trial: Trial) -> None:
    tried, made = links_made(world)

    assert made == []
    trial.report(n=tried, violations=len(made), pairs=len(list(pairs())))


@pytest.mark.control("A-08")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sabotage",
    [
        "ALTER TABLE enrollments_enrollment DROP CONSTRAINT enrollment_client_home",
        "ALTER TABLE certificates_certificate DROP CONSTRAINT certificate_pdf_home",
        "ALTER TABLE enrollments_counselorinteraction DISABLE TRIGGER USER",
    ],
)
def test_a_link_that_lost_its_lock_is_found(world: World, databases: Databases, sabotage: str) -> None:
    with superuser(databases) as sql:
        sql.execute(sabotage)

    _tried, made = links_made(world)

    assert [line for line in made if line.split(".")[1].lower() in sabotage.replace("_", "")]


def locks() -> list[tuple[type[models.Model], SameHome]]:
    models_of_ours = [table.model for table in tables() if table.model is not None]
    return [(model, lock) for model in models_of_ours for lock in model._meta.constraints if isinstance(lock, SameHome)]


@pytest.mark.torture("A-08")
@pytest.mark.django_db
def test_forms_say_so_before_the_database_must(world: World, trial: Trial) -> None:
    """Validation names the field; the console's choices do not even hold the foreign row."""
    ours, theirs = world.provider_a.pk, world.provider_b.pk
    accepted, tried = [], 0
    with as_system():
        member = load_actor(world.provider_admin_a)
    request: Any = RequestFactory().post("/console/")
    request.user, request.actor = world.provider_admin_a, member
    for model, lock in locks():
        own = row_of(model, ours)
        foreign = row_of(model._meta.get_field(lock.relation).related_model, theirs)
        setattr(own, lock.relation, foreign)
        with as_system():
            tried += 1
            if not refused(model, lock, own):
                accepted.append(f"{lock.name}: validation")
        field = console_field(model, lock.relation, request, own)
        if field is not None:
            tried += 1
            with acting(member):
                if field.queryset.filter(pk=foreign.pk).exists():
                    accepted.append(f"{lock.name}: console")

    assert accepted == []
    trial.report(n=tried, violations=len(accepted), locks=len(locks()))


def refused(model: type[models.Model], lock: SameHome, row: Any) -> bool:
    try:
        lock.validate(model, row)
    except ValidationError as error:
        return list(error.message_dict) == [lock.relation]
    return False


def console_field(model: type[models.Model], name: str, request: Any, row: Any) -> Any:
    """The form field of the console's change page, None where the page has none."""
    page = console._registry.get(model)
    if page is None:
        return None
    with acting(request.actor):
        return page.get_form(request, row).base_fields.get(name)
