"""What an import writes in sets is what the service writes one by one: every column, version, event and job."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import Any

import pytest
from django.db import models, transaction

from accounts.models import User
from audit.chain import faults
from audit.models import AuditEvent
from core.context import acting
from core.correlation import correlated
from core.history import because
from enrollments.models import Client, Enrollment
from enrollments.services.opening import create_enrollment
from enrollments.values import Case, Person
from jobs.models import Job
from notifications.models import Message
from organizations.actors import load_actor
from organizations.models import Invitation, Organization
from resources.enrollments import EnrollmentResource
from resources.importing import run_import
from tests.database import as_system
from tests.factories.names import World
from tests.imports.files import as_csv, many_clients

pytestmark = pytest.mark.django_db

# What is random or a moment by itself; everything else must be the same.
MADE_UP = {"id", "history_id", "created_at", "updated_at", "history_date", "history_change_reason", "client_id"}


def by_service(user: User, home: Organization, rows: list[dict[str, Any]]) -> None:
    with as_system():
        actor = load_actor(user)
    with acting(actor), correlated("same-correlation"), because("same"):
        for row in rows:
            person = Person(
                row["first_name"], row["last_name"], row["email"], row["phone"],
                dt.date.fromisoformat(row["birth_date"]) if row["birth_date"] else None, row["ssn_last4"],
            )  # fmt: skip
            meeting = row.get("first_set_341_date")
            case = Case(
                row["kind"], row["court_id"], row.get("chapter", ""), row.get("case_number", ""),
                dt.date.fromisoformat(meeting) if meeting else None,
            )  # fmt: skip
            create_enrollment(home, person, case, language=row["language"])


def by_import(user: User, home: Organization, rows: list[dict[str, Any]]) -> None:
    with as_system():
        actor = load_actor(user)
    with acting(actor), correlated("same-correlation"):
        report = run_import(EnrollmentResource(actor, home), as_csv(rows), name="clients.csv", dry_run=False)
    assert (report.errors, report.counts["created"]) == ([], len(rows))


def columns(row: models.Model) -> dict[str, Any]:
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in MADE_UP
    }


def written(home: Organization) -> dict[str, list[Any]]:
    """Everything about the clients of the file, in the file's own order, sealed columns opened."""
    with as_system():
        clients = {c.pk: c for c in Client.objects.filter(provider=home, email__endswith="@import.example")}
        enrollments = list(Enrollment.objects.filter(client__in=clients).select_related("client"))
        order = sorted(enrollments, key=lambda e: (int(e.client.email[1:].partition("@")[0]), e.kind))
        past_clients = Client.history.filter(id__in=clients)
        past = Enrollment.history.filter(id__in=[e.pk for e in enrollments])
        events = {e.target_id: e for e in AuditEvent.objects.filter(act="enrollment.created")}
        return {
            "clients": sorted((columns(client) for client in clients.values()), key=lambda c: c["email"]),
            "enrollments": [columns(e) | {"client": e.client.email} for e in order],
            "client versions": sorted((columns(v) for v in past_clients), key=lambda v: v["email"]),
            "versions": sorted(
                (columns(v) | {"client": clients[v.client_id].email} for v in past),
                key=lambda v: (v["client"], v["kind"]),
            ),
            "events": [
                (e.payload, e.actor_id, e.actor_label, e.act, e.target_type, e.reason, e.correlation_id, e.organization)
                for e in (events[str(row.pk)] for row in order)
            ],
            "jobs": list(Job.objects.filter(organization=home).exclude(kind="core.nothing").values_list("kind")),
            "messages": [Message.objects.count(), Invitation.objects.count()],
        }  # fmt: skip


def plain(found: Any) -> str:
    return json.dumps(found, default=str, indent=1, sort_keys=True)


def test_an_import_equals_the_service_row_by_row(world: World) -> None:
    rows = list(many_clients(90, chooser=random.Random(7)))
    with transaction.atomic():
        by_service(world.provider_admin_a, world.provider_a, rows)
        one_by_one = written(world.provider_a)
        transaction.set_rollback(True)
    by_import(world.provider_admin_a, world.provider_a, rows)
    in_sets = written(world.provider_a)

    assert len(one_by_one["enrollments"]) == 90
    assert len(one_by_one["clients"]) == 80
    for part in one_by_one:
        assert plain(in_sets[part]) == plain(one_by_one[part]), part
    with as_system():
        assert faults()[1] == []
