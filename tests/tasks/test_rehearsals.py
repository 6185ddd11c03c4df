"""OPS-W03: a replay shown before it happens, with the exact writes, and with nothing left behind."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections

from core.sequences import next_number
from enrollments.models import Enrollment
from jobs.models import Job, Rehearsal
from jobs.services import enqueue, rehearse_job
from notifications.models import Message, NotificationDelivery
from tasks import registry
from tasks.registry import task
from tests.database import as_system
from tests.factories.names import World
from tests.work import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def side_is_the_workers() -> Iterator[None]:
    """In the product both connections are the worker's; here the login of the tests has to become it."""
    with connections["side"].cursor() as cursor:
        cursor.execute("SET ROLE app_worker")
    before = dict(registry.registered())
    yield
    registry._TASKS.clear()
    registry._TASKS.update(before)
    connections["side"].close()


def rehearse(kind: str, subject: Any = None) -> Rehearsal:
    with as_system():
        parked = enqueue(kind, subject, dedupe_key=f"parked-{kind}")
        Job.objects.filter(pk=parked.pk).update(state="parked")
        found = rehearse_job(Job.objects.get(pk=parked.pk))
        runs_as = Job.objects.get(pk=found.runs_as_id)
    run(runs_as)
    with as_system():
        found.refresh_from_db()
        assert Job.objects.get(pk=parked.pk).state == "parked"
    return found


def writes_of(found: Rehearsal, table: str) -> list[dict[str, Any]]:
    return [write for write in found.writes if write["table"] == table]


def test_every_write_is_shown_and_none_stays(world: World) -> None:
    @task("test.writes")
    def writes(job: Job) -> str:
        enrollment = Enrollment.objects.get(pk=job.subject_id)
        next_number("test.rehearsed")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE core_counter SET value = 41 WHERE name = 'test.rehearsed'")
            cursor.execute("DELETE FROM jobs_workerheartbeat")
            cursor.execute(
                "UPDATE organizations_organization SET name = 'Renamed' WHERE id = %s", [enrollment.provider_id]
            )
        return "Wrote."

    found = rehearse("test.writes", world.studying_a)

    assert (found.error, found.result) == ("", "Wrote.")
    assert writes_of(found, "core_counter") == [
        {"table": "core_counter", "row": "test.rehearsed", "act": "add",
         "columns": {"name": ["", "test.rehearsed"], "value": ["", "41"]}}
    ]  # fmt: skip
    (gone,) = writes_of(found, "jobs_workerheartbeat")
    assert (gone["act"], gone["columns"]["worker"]) == ("delete", ["test", ""])
    (renamed,) = writes_of(found, "organizations_organization")
    assert (renamed["act"], renamed["row"]) == ("change", str(world.provider_a.pk))
    assert renamed["columns"]["name"] == [world.provider_a.name, "Renamed"]
    with as_system(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM core_counter WHERE name = 'test.rehearsed'),"
            " (SELECT count(*) FROM jobs_workerheartbeat), (SELECT count(*) FROM organizations_organization"
            " WHERE name = 'Renamed')"
        )
        assert cursor.fetchone() == (0, 1, 0)


def test_a_certificate_is_rehearsed_without_number_file_or_mail(world: World) -> None:
    """The real task: what it would issue is seen, private values are not, and nothing of it is there afterwards."""
    with as_system():
        before = (Message.objects.count(), Enrollment.objects.get(pk=world.completed_a.pk).status)
    files = set(default_storage.listdir(".")[1]) if default_storage.exists(".") else set()

    found = rehearse("certificates.issue", world.completed_a)

    assert (found.error, found.outside) == ("", [])
    (certificate,) = writes_of(found, "certificates_certificate")
    (enrollment,) = writes_of(found, "enrollments_enrollment")
    (mail,) = writes_of(found, "notifications_message")
    assert certificate["columns"]["status"] == ["", "valid"]
    assert certificate["columns"]["facts"] is None
    assert enrollment["columns"]["status"] == ["completed", "cert_issued"]
    assert mail["columns"]["to"] is None
    with as_system():
        assert (Message.objects.count(), Enrollment.objects.get(pk=world.completed_a.pk).status) == before
    assert (set(default_storage.listdir(".")[1]) if default_storage.exists(".") else set()) == files


def test_who_reaches_outside_is_stopped_there(world: World) -> None:
    @task("test.reaches")
    def reaches(job: Job) -> str:
        socket.create_connection(("127.0.0.1", 9), timeout=1)
        return "Never."

    @task("test.writes_file")
    def writes_file(job: Job) -> str:
        default_storage.save("rehearsed.txt", ContentFile(b"x"))
        return "Kept in memory."

    found, kept = rehearse("test.reaches"), rehearse("test.writes_file")

    assert found.error.startswith("It stops where it would reach outside")
    assert found.outside != []
    assert (kept.error, default_storage.exists("rehearsed.txt")) == ("", False)


def test_a_mail_is_not_sent_and_its_attempt_not_recorded(world: World) -> None:
    found = rehearse("notifications.deliver", world.message_a)

    with as_system():
        assert NotificationDelivery.objects.filter(message=world.message_a).count() == 1
    assert found.outside != [] or found.error


def test_how_it_would_fail_is_said(world: World) -> None:
    @task("test.breaks")
    def breaks(job: Job) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        return "Never."

    found, unknown = rehearse("test.breaks"), rehearse("test.unheard")

    assert found.error == "DataError: division by zero"
    assert (found.writes, found.done_at is not None) == ([], True)
    assert unknown.error == "No task is registered for the kind 'test.unheard'."
