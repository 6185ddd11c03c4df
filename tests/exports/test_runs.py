"""Exports in the background: rights of the moment, a file for one person, evidence, an end."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import pytest
import time_machine
from django.test import Client

from audit.models import AuditEvent
from core.context import acting
from core.errors import DomainError
from exports.enums import ExportStatus
from exports.models import ExportRun
from exports.services.progress import Cancelled
from exports.services.runs import Wanted, cancel_run, expire_runs
from files.models import StoredFile
from files.services import purge_expired
from notifications.models import Message
from organizations.actors import load_actor
from organizations.models import Membership
from tests.database import as_system
from tests.exports.wishes import PAYMENTS, asked, written
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db


def fetched(user: Any, run: ExportRun) -> Any:
    """What the person gets who presses Download."""
    return sign_in(Client(), user).get(f"/console/exports/exportrun/{run.pk}/download/", follow=True)


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_an_export_leaves_a_file_evidence_and_a_mail_without_data(world: World) -> None:
    run = written(asked(world.provider_admin_a))
    assert (run.status, run.rows_done) == (ExportStatus.DONE, 1)
    content = body(fetched(world.provider_admin_a, run))
    assert str(world.payment_a.pk).encode() in content
    assert hashlib.sha256(content).hexdigest() == run.sha256
    with as_system():
        event = AuditEvent.objects.get(act="payments.exported")
        mail = Message.objects.get(event="export.ready")
    assert (event.payload["rows"], event.payload["sha256"]) == (1, run.sha256)
    assert event.actor_id == world.provider_admin_a.pk
    assert str(run.pk) in mail.text_body
    assert "50.00" not in mail.text_body + mail.html_body + mail.subject
    assert world.client_a.last_name not in mail.text_body + mail.html_body + mail.subject


def test_the_filters_of_the_list_are_those_of_the_file(world: World) -> None:
    wanted = Wanted("payments", "payments.export_payment", "status__exact=failed&q=", ["id"])
    run = written(asked(world.provider_admin_a, wanted))
    assert (run.status, run.rows_done) == (ExportStatus.DONE, 0)
    assert body(fetched(world.provider_admin_a, run)) == b'"id"\r\n'


def test_a_filter_the_list_does_not_know_fails_the_export(world: World) -> None:
    wanted = Wanted("payments", "payments.export_payment", "amount_cents__gt=1")
    run = written(asked(world.provider_admin_a, wanted))
    assert (run.status, run.failure) == (ExportStatus.FAILED, "export_filter_invalid")


@pytest.mark.parametrize("form", ["csv", "excel-csv", "xlsx"])
def test_each_format_can_be_written(world: World, form: str) -> None:
    wanted = Wanted("payments", "payments.export_payment", format=form)
    run = written(asked(world.provider_admin_a, wanted))
    content = body(fetched(world.provider_admin_a, run))
    assert content.startswith({"csv": b'"id"', "excel-csv": b'\xef\xbb\xbf"id"', "xlsx": b"PK"}[form])


def test_the_right_is_asked_for_again_when_the_export_runs(world: World) -> None:
    run = asked(world.provider_admin_a)
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    run = written(run)
    assert (run.status, run.failure, run.file) == (ExportStatus.FAILED, "export_not_yours", None)


def test_nobody_else_gets_the_file_and_its_owner_only_with_the_right(world: World) -> None:
    run = written(asked(world.provider_admin_a))
    assert fetched(world.owner_a, run).redirect_chain[-1][0].endswith("/change/")
    assert fetched(world.provider_admin_b, run).status_code == 404
    signed = sign_in(Client(), world.provider_admin_a).get(f"/console/exports/exportrun/{run.pk}/download/").url
    assert sign_in(Client(), world.provider_admin_a).get(signed).status_code == 200
    for name in ("owner_a", "platform_admin"):
        assert sign_in(Client(), getattr(world, name)).get(signed).status_code == 404
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    assert sign_in(Client(), world.provider_admin_a).get(signed).status_code == 404


def test_a_cancelled_export_leaves_nothing(world: World) -> None:
    run = asked(world.provider_admin_a)
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor):
        cancel_run(run)
    run = written(run)
    assert (run.status, run.file) == (ExportStatus.CANCELLED, None)


def test_an_export_cancelled_while_it_is_written_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def hear(_run: ExportRun) -> Any:
        def stop(_rows: int) -> None:
            raise Cancelled

        return stop

    monkeypatch.setattr("tasks.exports.watching", hear)
    monkeypatch.setattr("resources.exporting.TOLD_EVERY", 1)
    run = written(asked(world.provider_admin_a))
    assert (run.status, run.file) == (ExportStatus.QUEUED, None)
    with as_system():
        assert StoredFile.objects.filter(kind="export").count() == 0


def test_the_file_goes_after_a_week(world: World) -> None:
    run = written(asked(world.provider_admin_a))
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=8), tick=False), as_system():
        assert purge_expired()[0] == 1
        assert expire_runs() == 1
        assert ExportRun.objects.get(pk=run.pk).status == ExportStatus.EXPIRED


def test_five_exports_at_a_time_are_enough(world: World) -> None:
    for _number in range(4):
        asked(world.provider_admin_a)
    with pytest.raises(DomainError) as refused:
        asked(world.provider_admin_a, PAYMENTS)
    assert refused.value.code == "too_many_exports"
