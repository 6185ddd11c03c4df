"""Row security itself, by SQL, as the app's own role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction

from core import rls
from core.context import Actor, Kind, acting
from core.rls import tables
from organizations.actors import load_actor
from organizations.enums import Role
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial


def tenant_models() -> list[type[models.Model]]:
    """Models with a direct organization column, history tables included."""
    return [
        table.model
        for table in tables()
        if table.model is not None and table.scope.organization not in (None, "self") and not table.scope.everyone
    ]


def attempt(sql: str, params: list[Any]) -> int:
    """Rows the statement touched as the role in force; -1 when the database refused it. Nothing stays."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            transaction.set_rollback(True)
            return cursor.rowcount
    except DatabaseError:
        return -1


def one_row_of(model: type[models.Model], organization: Any) -> Any:
    field = rls.scope_of(model).organization
    with as_system():
        return model._base_manager.filter(**{field: organization}).values_list("pk", flat=True).first()


def violations(world: World) -> list[str]:
    """Everything a member of tenant A can do to tenant B, or anyone without context, by plain SQL."""
    found = []
    with as_system():
        actor = load_actor(world.owner_a)
    ours, theirs = world.provider_a.pk, world.provider_b.pk
    for model in tenant_models():
        scope, table = rls.scope_of(model), model._meta.db_table
        column, pk = model._meta.get_field(scope.organization).column, model._meta.pk.column
        own, foreign = one_row_of(model, ours), one_row_of(model, theirs)
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            if cursor.fetchone()[0] and not scope.public:
                found.append(f"{table}: rows without context")
        with acting(actor):
            visible = attempt(f'SELECT 1 FROM "{table}" WHERE {pk}::text = %s', [str(foreign)])
            if visible > 0 and not scope.public:
                found.append(f"{table}: foreign row read")
            if attempt(f'UPDATE "{table}" SET {column} = {column} WHERE {pk}::text = %s', [str(foreign)]) > 0:
                found.append(f"{table}: foreign row changed")
            if attempt(f'DELETE FROM "{table}" WHERE {pk}::text = %s', [str(foreign)]) > 0:
                found.append(f"{table}: foreign row deleted")
            if attempt(f'UPDATE "{table}" SET {column} = %s WHERE {pk}::text = %s', [theirs, str(own)]) > 0:
                found.append(f"{table}: own row moved to the other tenant")
            if not scope.open_insert and attempt(*copy_into(model, column, theirs, own)) > 0:
                found.append(f"{table}: row added for the other tenant")
            if attempt(f'TRUNCATE "{table}" CASCADE', []) != -1:
                found.append(f"{table}: truncated")
    return found


def copy_into(model: type[models.Model], column: str, organization: Any, source: Any) -> tuple[str, list[Any]]:
    names = [field.column for field in model._meta.concrete_fields]
    pk = model._meta.pk.column
    fresh = "gen_random_uuid()" if isinstance(model._meta.pk, models.UUIDField) else "-1"
    values = ", ".join("%s" if name == column else fresh if name == pk else f'"{name}"' for name in names)
    quoted = ", ".join(f'"{name}"' for name in names)
    table = model._meta.db_table
    return f'INSERT INTO "{table}" ({quoted}) SELECT {values} FROM "{table}" WHERE {pk}::text = %s', [
        organization,
        str(source),
    ]


@pytest.mark.torture("A-04")
@pytest.mark.django_db
def test_no_statement_of_a_tenant_reaches_another_tenants_rows(world: World, trial: Trial) -> None:
    """A-04, CERT-14."""
    assert len(tenant_models()) > 25

    found = violations(world)
    assert found == []
    trial.report(n=7 * len(tenant_models()), violations=len(found), tables=len(tenant_models()))


@pytest.mark.control("A-04")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["payments_payment", "payments_historicalpayment"])
def test_the_statements_would_reach_them_if_row_security_were_off(
    world: World, databases: Databases, table: str
) -> None:
    """The control of A-04."""
    with superuser(databases) as sql:
        sql.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    found = violations(world)

    assert f"{table}: rows without context" in found
    assert f"{table}: foreign row read" in found


@contextmanager
def superuser(databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as sql:
        yield sql


@pytest.mark.django_db
def test_the_tests_run_as_a_role_that_row_security_binds() -> None:
    """CERT-15: neither owner nor superuser nor exempt."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper, rolbypassrls,"
            " (SELECT count(*) FROM pg_class WHERE relowner = r.oid) FROM pg_roles r WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("app_web", False, False, 0)


@pytest.mark.django_db
def test_a_request_that_forges_the_system_scope_sees_nothing(world: World) -> None:
    """CERT-07: the web's role is not among those the system policies name."""
    with acting(Actor(kind=Kind.SYSTEM)), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM payments_payment")
        assert cursor.fetchone()[0] == 0
    with as_system(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM payments_payment")
        assert cursor.fetchone()[0] >= 2


def catalogue_faults() -> dict[str, str]:
    out = StringIO()
    with suppress(SystemExit):
        call_command("check_rls", "--json", stdout=out)
    return json.loads(out.getvalue())["faults"]


@pytest.mark.torture("A-05")
@pytest.mark.django_db
def test_the_catalogue_holds_what_the_declarations_say(trial: Trial) -> None:
    """A-05, CERT-16."""
    found = catalogue_faults()
    assert found == {}
    trial.report(n=len(list(tables())), violations=len(found))


SABOTAGES = {
    "a plain table": ("CREATE TABLE plain (id int)", "plain"),
    "row security off": ("ALTER TABLE enrollments_client DISABLE ROW LEVEL SECURITY", "enrollments_client"),
    "not forced": ("ALTER TABLE enrollments_client NO FORCE ROW LEVEL SECURITY", "enrollments_client"),
    "a looser policy": ("ALTER POLICY actor_read ON payments_payment USING (true)", "payments_payment"),
    "one more policy": ("CREATE POLICY hole ON jobs_job USING (true)", "jobs_job"),
    "no policy": ("DROP POLICY actor_read ON jobs_job", "jobs_job"),
    "a wider grant": ("GRANT TRUNCATE ON jobs_job TO app_web", "jobs_job"),
    "a function that always says yes": (
        (
            "CREATE OR REPLACE FUNCTION reach.read__payments_payment(uuid) RETURNS boolean LANGUAGE plpgsql STABLE"
            " SECURITY DEFINER SET search_path = pg_catalog AS $$ BEGIN RETURN true; END $$"
        ),
        "(functions)",
    ),
    "history open": (
        "ALTER TABLE enrollments_historicalclient DISABLE ROW LEVEL SECURITY",
        "enrollments_historicalclient",
    ),
}


@pytest.mark.control("A-05")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_the_check_names_the_table_that_was_tampered_with(databases: Databases, sabotage: str) -> None:
    """The controls of A-05."""
    sql, table = SABOTAGES[sabotage]
    with superuser(databases) as owner:
        owner.execute(sql)

    assert list(catalogue_faults()) == [table]


@pytest.mark.torture("A-05")
@pytest.mark.django_db
def test_nothing_goes_around_row_security_but_the_audit_and_yes_or_no_functions() -> None:
    """A-05."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
        )
        assert cursor.fetchone()[0] == 0
        cursor.execute(
            "SELECT DISTINCT nspname, CASE nspname WHEN 'reach' THEN prorettype::regtype::text ELSE proname END,"
            " proconfig::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace"
            " WHERE prosecdef AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
        )
        assert cursor.fetchall() == [
            ("app", "append_audit", '{"search_path=pg_catalog, public"}'),
            ("app", "append_audit_many", '{"search_path=pg_catalog, public, pg_temp"}'),
            ("app", "certificate_marks_enrollment", "{search_path=pg_catalog}"),
            ("app", "client_renamed", "{search_path=pg_catalog}"),
            ("app", "course_beat", '{"search_path=pg_catalog, public"}'),
            ("app", "enrollment_at", '{"search_path=pg_catalog, public"}'),
            ("app", "enrollment_words", "{search_path=pg_catalog}"),
            ("app", "witness", '{"search_path=pg_catalog, public"}'),
            ("reach", "boolean", "{search_path=pg_catalog}"),
            ("reach", "uuid[]", "{search_path=pg_catalog,enable_seqscan=off}"),
        ]
        cursor.execute(
            "SELECT count(*) FROM information_schema.role_table_grants"
            " WHERE grantee LIKE 'app\\_%%' AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')"
        )
        assert cursor.fetchone()[0] == 0


@pytest.mark.django_db
def test_a_role_that_does_not_fit_is_refused_by_the_database(world: World) -> None:
    """CERT-17: a direct insert of an attorney at a provider fails under the runtime role."""
    with as_system():
        actor = load_actor(world.owner_a)
    with acting(actor):
        sql = (
            "INSERT INTO organizations_membership (id, created_at, updated_at, user_id, organization_id, role, status)"
            " VALUES (gen_random_uuid(), now(), now(), %s, %s, %s, 'active')"
        )
        assert attempt(sql, [world.stranger.pk, world.provider_a.pk, Role.ATTORNEY]) == -1
        assert attempt(sql, [world.stranger.pk, world.provider_a.pk, Role.COUNSELOR]) == 1


@pytest.mark.django_db
def test_a_firm_that_received_a_certificate_reads_it_and_cannot_change_it(world: World) -> None:
    with as_system():
        actor = load_actor(world.attorney_a)
    with acting(actor):
        sql = "{} certificates_certificate {} WHERE id = %s"
        assert attempt(sql.format("SELECT 1 FROM", ""), [world.certificate_a.pk]) == 1
        assert attempt(sql.format("UPDATE", "SET number = number"), [world.certificate_a.pk]) == 0
        assert attempt(sql.format("DELETE FROM", ""), [world.certificate_a.pk]) == 0
