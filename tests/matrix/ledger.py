"""What the database really did: triggers of the superuser's, out of the product's reach, keep a line of every row
written. A canary stands in the text of tenant B."""

from __future__ import annotations

import json
from typing import Any

import psycopg
from django.apps import apps
from django.db import models

from core.privacy import Privacy
from tests.database import Databases
from tests.matrix.objects import Objects
from tests.words import stands_in

CANARY = "cnry7f3q9x"
# Written at any request: when a session was used, how often an address came, that something was refused.
HOUSEKEEPING = frozenset({"django_session", "usersessions_usersession", "core_ratelimit", "audit_systemevent",
                          "django_cache"})  # fmt: skip
_SETUP = """
CREATE SCHEMA matrix;
CREATE UNLOGGED TABLE matrix.log (id bigserial, tbl text, op text, pk text, fact jsonb);
CREATE FUNCTION matrix.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE r jsonb;
BEGIN
  r := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
  INSERT INTO matrix.log (tbl, op, pk, fact) VALUES (TG_TABLE_NAME, TG_OP, r->>'id', r);
  RETURN NULL;
END $$;
GRANT USAGE ON SCHEMA matrix TO PUBLIC;
GRANT SELECT ON matrix.log TO PUBLIC;
"""


class Ledger:
    """The counter of one test database."""

    def __init__(self, databases: Databases) -> None:
        self._dsn = databases.cluster.superuser_dsn(databases.name)

    def open(self, objects: Objects) -> int:
        """Put triggers on every table and canaries into tenant B; returns how many cells carry one."""
        with psycopg.connect(self._dsn, autocommit=True) as judge:
            judge.execute(_SETUP)
            names = judge.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (name,) in names:
                judge.execute(
                    f'CREATE TRIGGER zz_matrix AFTER INSERT OR UPDATE OR DELETE ON public."{name}"'
                    " FOR EACH ROW EXECUTE FUNCTION matrix.note()"
                )
            judge.execute("SET session_replication_role = replica")
            return sum(_mark(judge, *cell) for cell in _cells(objects)) + _mark_facts(judge, objects)


# The ends of names that hold no words: keys, digests, codes, and what the product itself compares with.
_NO_TEXT = (
    *("hash", "sha256", "key", "code", "token", "type", "slug", "language", "currency", "timezone", "url", "_id"),
    *("username", "password", "ip", "kind", "event", "resource", "provider", "schedule"),
)

# Codes and names of permissions under a name that elsewhere means words.
_CODES = frozenset({"exports.exportrun.failure", "exports.exportrun.permission",
                    "exports.scheduledexport.stopped_because"})  # fmt: skip


def _cells(objects: Objects) -> Any:
    """(table, key column, column, longest value, keys): the text of tenant B that nobody but B has reason to read."""
    public = {"organizations.providerprofile", "providers.districtapproval"}
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label_lower
        keys = objects.rows(model, "foreign") + objects.rows(model, "their_firm")
        keys = [] if label in public else keys
        if label == "organizations.organization":
            keys = [key for key in keys if key != str(objects.world.provider_b.pk)]
        if not keys:
            continue
        for column in model._meta.concrete_fields:
            if _is_text(model, column):
                yield model._meta.db_table, model._meta.pk.column, column.column, column.max_length or 10_000, keys


def _is_text(model: type[models.Model], column: models.Field) -> bool:
    if not isinstance(column, models.CharField | models.TextField) or column.choices or column.unique:
        return False
    if isinstance(column, models.EmailField) or column.get_internal_type() not in {"CharField", "TextField"}:
        return False
    if getattr(model, "privacy", {}).get(column.name) in {Privacy.SENSITIVE, Privacy.SECRET}:
        return False
    if f"{model._meta.label_lower}.{column.name}" in _CODES:
        return False
    return not column.name.endswith(_NO_TEXT) and column.name not in {"state", "act", "number", "serial", "version"}


def _mark(judge: Any, table: str, key: str, column: str, longest: int, keys: list[str]) -> int:
    statement = (
        f'UPDATE public."{table}" SET "{column}" = "{column}" || %s WHERE "{key}"::text = ANY (%s)'
        f' AND length("{column}") + 11 <= %s'
    )
    try:
        return judge.execute(statement, [f" {CANARY}", keys, longest]).rowcount
    except psycopg.errors.CheckViolation:
        return 0


def _mark_facts(judge: Any, objects: Objects) -> int:
    """Every string in what a certificate says of tenant B."""
    keys = objects.rows(apps.get_model("certificates.Certificate"), "foreign")
    keys += objects.rows(apps.get_model("certificates.Certificate"), "their_firm")
    rows = judge.execute("SELECT id, facts FROM certificates_certificate WHERE id::text = ANY (%s)", [keys]).fetchall()
    for key, facts in rows:
        marked = {name: f"{text} {CANARY}" if name in _SAID else text for name, text in facts.items()}
        judge.execute("UPDATE certificates_certificate SET facts = %s WHERE id = %s", [json.dumps(marked), key])
    return len(rows)


_SAID = frozenset({"client_name", "counselor_name", "case_number"})


def business(found: list[Any]) -> list[Any]:
    """Only what changes the product's own rows."""
    return [line for line in found if line[0] not in HOUSEKEEPING]


def leaks(body: bytes, headers: str) -> bool:
    """Whether the canary stands in an answer."""
    return stands_in(CANARY, body, headers.encode(errors="replace"))
