"""What the trials of imports share: a person who imports, files, and a judge that reads as the superuser."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from accounts.models import User
from core.context import Actor, acting
from imports.models import ImportRun
from organizations.actors import load_actor
from organizations.models import Organization
from resources.enrollments import EnrollmentResource
from resources.importing import check, start_run
from tests.database import Databases, as_system
from tests.imports.files import as_csv, many_clients

TABLES = ("enrollments_client", "enrollments_enrollment", "enrollments_historicalclient",
          "enrollments_historicalenrollment", "payments_payment", "certificates_cgsnumber")  # fmt: skip


def actor_of(user: User) -> Actor:
    with as_system():
        return load_actor(user)


def a_file(count: int, seed: int = 1) -> bytes:
    return as_csv(many_clients(count, chooser=random.Random(seed)))


def checked_run(user: User, home: Organization, content: bytes, name: str = "clients.csv") -> ImportRun:
    """A file, uploaded and judged, that waits for its person's word."""
    actor = actor_of(user)
    with acting(actor):
        resource = EnrollmentResource(actor, home)
        return check(resource, start_run(resource, content, name=name), content)


@contextmanager
def superuser(databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as connection:
        yield connection


def state_of(databases: Databases) -> dict[str, str]:
    """A digest of every row an import could reach, by table."""
    with superuser(databases) as connection:
        return {
            table: str(connection.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''))"
                                          f" FROM {table} t").fetchone())
            for table in TABLES
        }  # fmt: skip


def halves(databases: Databases, run: ImportRun) -> int:
    """How many clients, enrollments, versions, events and journal lines of a run stand without the others."""
    sql = """
    SELECT
      (SELECT count(*) FROM imports_importedrow j WHERE j.run_id = %(run)s AND j.outcome = 'create'
        AND NOT EXISTS (SELECT 1 FROM enrollments_enrollment e WHERE e.id = j.record_id))
    + (SELECT count(*) FROM enrollments_enrollment e JOIN enrollments_client c ON c.id = e.client_id
        WHERE c.email LIKE '%%@import.example' AND (
          NOT EXISTS (SELECT 1 FROM imports_importedrow j WHERE j.record_id = e.id)
          OR (SELECT count(*) FROM enrollments_historicalenrollment h WHERE h.id = e.id) <> 1
          OR (SELECT count(*) FROM audit_auditevent a
            WHERE a.target_id = e.id::text AND a.act = 'enrollment.created') <> 1))
    + (SELECT count(*) FROM enrollments_client c WHERE c.email LIKE '%%@import.example' AND (
          NOT EXISTS (SELECT 1 FROM enrollments_enrollment e WHERE e.client_id = c.id)
          OR (SELECT count(*) FROM enrollments_historicalclient h WHERE h.id = c.id) <> 1))
    + abs((SELECT cursor FROM imports_importrun WHERE id = %(run)s)
        - (SELECT coalesce(max(line), 0) FROM imports_importedrow WHERE run_id = %(run)s))
    """
    with superuser(databases) as connection:
        row = connection.execute(sql, {"run": run.pk}).fetchone()
        return int(row[0]) if row else 1
