# ruff: noqa: S608 -- the statements are put together from names the models declare; values of people never reach them
"""A scope as SQL: who reaches a row, without asking the row security of every table on the way.

A policy that looked at a parent's row would be planned together with the parent's policies, and theirs with their
parents': planning alone took longer than most queries. So each look at another table is a function in the schema
`reach`: it answers yes or no about one id, runs with the owner's rights, and is planned once per connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models

from core.scope import Scope, parent_model, reverse_relation, scope_of

SCHEMA = "reach"
SCOPE = "(SELECT app.scope())"
_USER = "(SELECT app.user_id())"
_ORGANIZATIONS = "(SELECT app.organizations())"
_KEY = "(SELECT app.key())"
Clauses = Callable[[], Iterable[str]]


def quote(name: str) -> str:
    return connection.ops.quote_name(name)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "'" + str(value).replace("'", "''") + "'"


def _column(alias: str, model: type[models.Model], name: str) -> str:
    found = model._meta.get_field("id" if name == "self" else name)
    if not isinstance(found, models.Field) or found.column is None:
        raise ImproperlyConfigured(f"{model._meta.label}.{name} has no column.")
    return f"{alias}.{quote(found.column)}"


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the schema: its arguments, what it returns, its statements and its settings."""

    arguments: str
    returns: str
    body: str
    settings: str = ""


@dataclass
class Reach:
    """Puts predicates together and collects the functions they call and the tables those read."""

    functions: dict[str, Function] = field(default_factory=dict)
    read_tables: set[str] = field(default_factory=set)

    def predicates(self, alias: str, model: type[models.Model], scope: Scope, *, write: bool) -> Iterator[str]:
        """The clauses for people, to be joined by OR; platform and system work are added once, outside."""
        if scope.auth:
            yield f"{SCOPE} = 'auth'"
        for name in scope.owner_fields if write else scope.organization_fields:
            yield f"{_column(alias, model, name)} = ANY ({_ORGANIZATIONS}::uuid[])"
        if scope.person and (scope.person_writes or not write):
            yield self._person(alias, model, scope.person)
        if scope.parent:
            yield self._parent(alias, model, scope, write=write)
        if not write:
            yield from self._reading(alias, model, scope)

    def _person(self, alias: str, model: type[models.Model], path: str) -> str:
        first, _, rest = path.partition("__")
        if not rest:
            return f"{_column(alias, model, first)} = {_USER}"
        parent = parent_model(model, first)
        name = f"person__{parent._meta.db_table}__{rest}"
        self._declare(name, parent, lambda: [self._person("p", parent, rest)])
        return f"{SCHEMA}.{name}({_column(alias, model, first)})"

    def _parent(self, alias: str, model: type[models.Model], scope: Scope, *, write: bool) -> str:
        parent = parent_model(model, scope.parent or "")
        inner = scope_of(parent)
        if inner.everyone and not write:
            return "true"
        mode = "read" if not write else "write" if scope.person_writes else "staff"
        name = f"{mode}__{parent._meta.db_table}"
        judged = replace(inner, person=None) if mode == "staff" else inner
        self._declare(name, parent, lambda: self.predicates("p", parent, judged, write=write))
        return f"{SCHEMA}.{name}({_column(alias, model, scope.parent or '')})"

    def _reading(self, alias: str, model: type[models.Model], scope: Scope) -> Iterator[str]:
        """The clauses that open a row to be read and never to be written."""
        for relation in scope.reached_by:
            child, foreign_key = reverse_relation(model, relation)
            name = f"by__{child._meta.db_table}__{foreign_key.name}"
            clauses = self.predicates("p", child, scope_of(child), write=False)
            self._declare(name, child, partial(list, clauses), by=foreign_key.column)
            yield f"{SCHEMA}.{name}({alias}.id)"
        if scope.public:
            equal = (f"{_column(alias, model, name)} = {_literal(value)}" for name, value in scope.public.items())
            yield f"({' AND '.join(equal)})"
        if scope.key:
            yield f"({_KEY} <> '' AND {_column(alias, model, scope.key)}::text = {_KEY})"
        if scope.grantable:
            label = f"{_literal(model._meta.app_label)}, {_literal(model._meta.model_name)}"
            self._declare_granted()
            yield f"{SCHEMA}.granted({label}, {alias}.id)"

    def _declare(self, name: str, model: type[models.Model], clauses: Clauses, *, by: str = "id") -> None:
        """One function: is there a row of `model` with this id (or foreign key `by`) that a clause opens?"""
        if name in self.functions:
            return
        self.functions[name] = Function("", "", "")  # taken before its clauses are made, in case they lead back here
        table = model._meta.db_table
        inside = " OR ".join(clauses()) or "false"
        by_number = by == "id" and isinstance(model._meta.get_field("id"), models.AutoField | models.BigAutoField)
        kind = "bigint" if by_number else "uuid"
        body = f"EXISTS (SELECT 1 FROM public.{quote(table)} p WHERE p.{quote(by)} = $1 AND ({inside}))"
        self.functions[name] = Function(kind, "boolean", f"RETURN {body};")
        self.read_tables.add(table)

    def _declare_granted(self) -> None:
        body = (
            "EXISTS (SELECT 1 FROM public.guardian_userobjectpermission g JOIN public.django_content_type c"
            f" ON c.id = g.content_type_id WHERE g.user_id = {_USER} AND g.object_pk = $3::text"
            " AND c.app_label = $1 AND c.model = $2)"
        )
        self.functions["granted"] = Function("text, text, uuid", "boolean", f"RETURN {body};")
        self.read_tables |= {"guardian_userobjectpermission", "django_content_type"}

    def declare_search(self, model: type[models.Model]) -> None:
        """`search__<table>(words, at most)`: ids of rows whose `search` column has all the words and that an
        organization of the reader reaches, with those opened by a grant. It is put together as text on each call,
        since a plan made for other words would miss the index. The caller's own nets judge the rows again."""
        scope, table = scope_of(model), quote(model._meta.db_table)
        homes = [f"{_column('p', model, name)} = ANY (app.organizations())" for name in scope.organization_fields]
        clauses = homes or list(self.predicates("p", model, scope, write=False))
        everything = "app.scope() IN ('platform', 'system')"
        found = f"SELECT p.id FROM public.{table} p WHERE p.search @@ $1 AND ({' OR '.join([everything, *clauses])})"
        if scope.grantable:
            found += f" UNION SELECT p.id FROM public.{table} p WHERE p.search @@ $2 AND p.id = ANY ($3)"
        steps = ["IF wanted IS NULL THEN RETURN '{}'; END IF;"]
        if homes:
            nobody = _literal("'##'")
            steps.append(
                f"IF NOT {everything} THEN"
                f" narrowed := coalesce(wanted && app.organization_query(), {nobody}::tsquery); END IF;"
            )
        if scope.grantable:
            steps.append(self._granted_ids(model))
        query = _literal(f"SELECT ARRAY(SELECT id FROM ({found}) found LIMIT ")
        steps.append(f"EXECUTE {query} || $2 || ')' INTO found USING narrowed, wanted, granted; RETURN found;")
        declared = "wanted tsquery := app.word_query($1); narrowed tsquery := wanted; granted uuid[]; found uuid[];"
        body = f"DECLARE {declared} BEGIN {' '.join(steps)} END;"
        name = f"search__{model._meta.db_table}"
        self.functions[name] = Function("text, integer", "uuid[]", body, "SET enable_seqscan = off")
        self.read_tables.add(model._meta.db_table)

    def _granted_ids(self, model: type[models.Model]) -> str:
        self._declare_granted()
        return (
            "granted := ARRAY(SELECT g.object_pk::uuid FROM public.guardian_userobjectpermission g"
            " JOIN public.django_content_type c ON c.id = g.content_type_id WHERE g.user_id = app.user_id()"
            f" AND c.app_label = {_literal(model._meta.app_label)} AND c.model = {_literal(model._meta.model_name)});"
        )


def function_statements(functions: Mapping[str, Function]) -> list[str]:
    """The SQL that puts the functions in place and lets the runtime roles, and nobody else, call them."""
    sql = [f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", f"CREATE SCHEMA {SCHEMA}"]
    for name, made in sorted(functions.items()):
        sql.append(
            f"CREATE FUNCTION {SCHEMA}.{name}({made.arguments}) RETURNS {made.returns} LANGUAGE plpgsql STABLE"
            f" PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog {made.settings}"
            f" AS $$ BEGIN {made.body} END $$"
        )
    return [
        *sql,
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO app_web, app_worker, app_ro",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO app_web, app_worker, app_ro",
    ]
