"""Row security made from the scope declarations.

Policies are derived state: `apply()` writes them as the owner after `migrate`, `faults()` tells any role what differs.
A baseline row per table keeps the digest of the declaration and of what the catalogue then held, so that both a
changed declaration and a policy altered by hand are found without locks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models

from core.external_scopes import BARE_TABLES
from core.reach import SCHEMA, SCOPE, Reach, function_statements, quote
from core.scope import Scope, scope_of

RUNTIME_ROLES = ("app_web", "app_worker")
WORKING_ROLES = ("app_web", "app_worker", "app_ro", "owner")
SYSTEM_ROLES = ("app_worker", "owner")
FUNCTIONS = "(functions)"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the model that explains it (None for a table no model stands for) and its scope."""

    name: str
    model: type[models.Model] | None
    scope: Scope


def tables() -> Iterator[Table]:
    """Every table that models and packages own, with its scope."""
    seen: set[str] = set()
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed or model._meta.db_table in seen:
            continue
        seen.add(model._meta.db_table)
        yield Table(model._meta.db_table, model, scope_of(model))
    for name, scope in BARE_TABLES.items():
        yield Table(name, None, scope)


def _predicate(reach: Reach, table: Table, *, write: bool) -> str:
    if table.scope.everyone and not write:
        return "true"
    clauses = [f"{SCOPE} = 'platform'"]
    if table.model is not None:
        clauses += reach.predicates(quote(table.name), table.model, table.scope, write=write)
    return " OR ".join(clauses)


def _policy(table: Table, name: str, command: str, roles: tuple[str, ...], body: str) -> str:
    return f"CREATE POLICY {name} ON {quote(table.name)} FOR {command} TO {', '.join(roles)} {body}"


def statements(table: Table, reach: Reach) -> list[str]:
    """The SQL that brings one table from any state to its declared policies and grants; `reach` collects the functions
    that the policies call."""
    name, scope = quote(table.name), table.scope
    sql = [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"REVOKE ALL ON {name} FROM PUBLIC, app_web, app_worker, app_ro",
        f"GRANT SELECT ON {name} TO app_web, app_worker, app_ro",
    ]
    verbs = _granted_verbs(scope)
    if verbs:
        sql.append(f"GRANT {', '.join(verbs)} ON {name} TO app_web, app_worker")
    if scope.infrastructure:
        return [*sql, _policy(table, "plumbing", "ALL", WORKING_ROLES, "USING (true) WITH CHECK (true)")]
    system = f"{SCOPE} = 'system'"
    sql.append(_policy(table, "system_work", "ALL", SYSTEM_ROLES, f"USING ({system}) WITH CHECK ({system})"))
    read, write = _predicate(reach, table, write=False), _predicate(reach, table, write=True)
    insert = "true" if scope.open_insert else write
    sql.append(_policy(table, "actor_read", "SELECT", (*RUNTIME_ROLES, "app_ro"), f"USING ({read})"))
    sql.append(_policy(table, "actor_insert", "INSERT", RUNTIME_ROLES, f"WITH CHECK ({insert})"))
    sql.append(_policy(table, "actor_update", "UPDATE", RUNTIME_ROLES, f"USING ({write}) WITH CHECK ({write})"))
    sql.append(_policy(table, "actor_delete", "DELETE", RUNTIME_ROLES, f"USING ({write})"))
    return sql


def _granted_verbs(scope: Scope) -> list[str]:
    if scope.function_only:
        return []
    return ["INSERT"] if scope.append_only else ["INSERT", "UPDATE", "DELETE"]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_CATALOGUE = """
SELECT c.relname, c.relrowsecurity::text || c.relforcerowsecurity::text || coalesce(p.body, '') || coalesce(g.body, '')
FROM pg_class c
LEFT JOIN LATERAL (
    SELECT string_agg(polname || polcmd::text || polpermissive::text
        || coalesce((SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles WHERE oid = ANY (polroles)), 'all')
        || coalesce(pg_get_expr(polqual, polrelid), '-') || coalesce(pg_get_expr(polwithcheck, polrelid), '-'),
        ';' ORDER BY polname) AS body
    FROM pg_policy WHERE polrelid = c.oid
) p ON true
LEFT JOIN LATERAL (
    SELECT string_agg(grantee::regrole::text || privilege_type, ',' ORDER BY grantee::regrole::text, privilege_type)
        AS body
    FROM aclexplode(c.relacl) WHERE grantee <> 0 AND grantee <> c.relowner
) g ON true
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
UNION ALL
SELECT %s, coalesce(string_agg(pg_get_functiondef(f.oid) || f.proowner::regrole::text || f.proacl::text, ';'
    ORDER BY f.proname), '')
FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname = %s
"""


def catalogue() -> dict[str, str]:
    """For each table, a digest of the row security and the grants that the database holds now; the functions that the
    policies call count as one more, under FUNCTIONS."""
    with connection.cursor() as cursor:
        cursor.execute(_CATALOGUE, [FUNCTIONS, SCHEMA])
        return {name: _digest(body) for name, body in cursor.fetchall()}


def plan() -> dict[str, list[str]]:
    """For each declared table the SQL of its policies and grants; under FUNCTIONS that of what they call."""
    reach = Reach()
    sql = {table.name: statements(table, reach) for table in tables()}
    for table in tables():
        if table.model is not None and getattr(table.model, "searched", False):
            reach.declare_search(table.model)
    for name in sorted(reach.read_tables):
        sql[name].append(f"CREATE POLICY reach ON {quote(name)} FOR SELECT TO owner USING (true)")
    return sql | {FUNCTIONS: function_statements(reach.functions)}


def apply() -> int:
    """Write functions, grants and policies as the owner, and remember them; returns the number of tables."""
    wanted = plan()
    functions = wanted.pop(FUNCTIONS)
    present = sorted(set(catalogue()) & set(wanted))
    with connection.cursor() as cursor:
        cursor.execute("SELECT polname, polrelid::regclass::text FROM pg_policy")
        drops = [f"DROP POLICY {quote(policy)} ON {table}" for policy, table in cursor.fetchall()]
        grants = [
            "GRANT USAGE ON SCHEMA app, public TO app_web, app_worker, app_ro",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app_web, app_worker",
        ]
        for statement in [*drops, *functions, *grants, *(line for name in present for line in wanted[name])]:
            cursor.execute(statement)
        held = catalogue()
        cursor.execute("SELECT set_config('app.scope', 'system', true)")
        cursor.execute("DELETE FROM core_rowsecuritybaseline")
        declared = {name: wanted[name] for name in present} | {FUNCTIONS: functions}
        cursor.executemany(
            "INSERT INTO core_rowsecuritybaseline (table_name, declared, held) VALUES (%s, %s, %s)",
            [(name, _digest("\n".join(sql)), held[name]) for name, sql in declared.items()],
        )
    return len(present)


def faults() -> dict[str, str]:
    """What is wrong with row security, by table; empty when the database and the declarations agree."""
    wanted = plan()
    held = catalogue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, declared, held FROM core_rowsecuritybaseline")
        baseline = {name: (declared, body) for name, declared, body in cursor.fetchall()}
    found = {}
    for name in sorted(set(held) | set(wanted) - set(BARE_TABLES)):
        if name not in wanted:
            found[name] = "stands in the database without a declared scope"
        elif name not in held:
            found[name] = "is declared and missing in the database; run migrate"
        elif name not in baseline:
            found[name] = "has never been given its policies; run rls_apply"
        elif baseline[name][0] != _digest("\n".join(wanted[name])):
            found[name] = "is declared differently since its policies were written; run rls_apply"
        elif baseline[name][1] != held[name]:
            found[name] = "has policies or grants that were altered by hand; run rls_apply"
    return found
