"""Exports that repeat: one run per slot, the rights of the moment, an end."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.test import Client

from exports.enums import ExportStatus, ScheduleStatus
from exports.models import ExportRun, ScheduledExport
from exports.services.runs import expire_runs
from exports.services.schedules import end_schedule, next_slot, pause_schedule, resume_schedule, run_due
from files.models import StoredFile
from files.services import purge_expired
from jobs.services import enqueue
from notifications.models import Message
from organizations.models import Membership
from tests.database import as_system
from tests.exports.wishes import scheduled
from tests.factories.names import World
from tests.web import sign_in
from tests.work import run_due as work_off

pytestmark = pytest.mark.django_db

RIGHTS = {"payments": "payments.export_payment"}


def slot(**fields: object) -> ScheduledExport:
    return ScheduledExport(**{"time_zone": "America/New_York", "hour": 7, "weekday": 0, "month_day": 1, **fields})


@pytest.mark.parametrize(
    ("fields", "after", "expected"),
    [
        ({"frequency": "day"}, "2026-03-07T12:00:00", "2026-03-08T11:00:00"),
        ({"frequency": "day"}, "2026-03-07T11:59:59", "2026-03-07T12:00:00"),
        ({"frequency": "day", "hour": 2}, "2026-03-08T00:00:00", "2026-03-08T07:00:00"),
        ({"frequency": "week", "weekday": 4}, "2026-04-30T12:00:00", "2026-05-01T11:00:00"),
        ({"frequency": "week", "weekday": 4}, "2026-05-01T11:00:00", "2026-05-08T11:00:00"),
        ({"frequency": "month", "month_day": 28}, "2026-02-28T13:00:00", "2026-03-28T11:00:00"),
        ({"frequency": "month", "time_zone": "Pacific/Guam"}, "2026-12-31T20:59:00", "2026-12-31T21:00:00"),
    ],
)
def test_the_next_slot_is_an_hour_on_the_wall(fields: dict[str, object], after: str, expected: str) -> None:
    moment = dt.datetime.fromisoformat(after).replace(tzinfo=dt.UTC)
    assert next_slot(slot(**fields), moment) == dt.datetime.fromisoformat(expected).replace(tzinfo=dt.UTC)


def test_each_slot_has_one_run_however_often_it_is_asked_for(world: World) -> None:
    schedule = scheduled(world.provider_admin_a)
    with time_machine.travel(schedule.next_at, tick=False), as_system():
        assert [run_due(RIGHTS), run_due(RIGHTS)] == [(1, 0), (0, 0)]
        [run] = ExportRun.objects.filter(schedule=schedule)
        assert run.slot == schedule.next_at
        assert ScheduledExport.objects.get(pk=schedule.pk).next_at == schedule.next_at + dt.timedelta(days=7)


def test_slots_missed_while_nothing_ran_count_once(world: World) -> None:
    schedule = scheduled(world.provider_admin_a, frequency="day")
    late = schedule.next_at + dt.timedelta(days=5, hours=1)
    with time_machine.travel(late, tick=False), as_system():
        run_due(RIGHTS)
        assert ScheduledExport.objects.get(pk=schedule.pk).next_at > late
        assert ExportRun.objects.filter(schedule=schedule).count() == 1


def test_it_stops_itself_with_a_mail_when_the_right_is_lost(world: World) -> None:
    schedule = scheduled(world.provider_admin_a)
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    with time_machine.travel(schedule.next_at, tick=False), as_system():
        assert run_due(RIGHTS) == (0, 1)
        found = ScheduledExport.objects.get(pk=schedule.pk)
        assert (found.status, found.stopped_because) == (ScheduleStatus.STOPPED, "export_not_yours")
        assert ExportRun.objects.filter(schedule=schedule).count() == 0
        assert Message.objects.filter(event="export.stopped", to=world.provider_admin_a.email).count() == 1


def test_paused_and_deleted_ones_never_run(world: World) -> None:
    first, second = scheduled(world.provider_admin_a), scheduled(world.provider_admin_a)
    with as_system():
        pause_schedule(first)
        end_schedule(second)
    with time_machine.travel(first.next_at + dt.timedelta(days=30), tick=False), as_system():
        assert run_due(RIGHTS)[0] == 2  # those of the world, none of these
        assert ExportRun.objects.filter(schedule__in=[first, second]).count() == 0
        resumed = resume_schedule(first)
        assert resumed.next_at > first.next_at


def test_the_schedule_starts_what_is_due(world: World) -> None:
    schedule = scheduled(world.provider_admin_a)
    with as_system(), time_machine.travel(schedule.next_at + dt.timedelta(seconds=30)):
        enqueue("exports.start_due", dedupe_key="schedule:exports.start_due:test")
    with time_machine.travel(schedule.next_at + dt.timedelta(seconds=40)):
        done = work_off("exports.start_due", "exports.run")
    assert [job.kind for job in done] == ["exports.start_due", "exports.run"]
    with as_system():
        assert ExportRun.objects.get(schedule=schedule).status == "done"


def test_a_scheduled_export_comes_by_mail_for_one_person_and_for_a_time(world: World) -> None:
    """CERT-A21: schedule, job, mail with a link, the file for its owner only, then gone."""
    schedule = scheduled(world.provider_admin_a)
    hour = schedule.next_at + dt.timedelta(seconds=30)
    with time_machine.travel(hour):
        with as_system():
            enqueue("exports.start_due", dedupe_key="schedule:exports.start_due:mail")
        work_off("exports.start_due", "exports.run")
        with as_system():
            run = ExportRun.objects.get(schedule=schedule)
            mail = Message.objects.get(event="export.ready", to=world.provider_admin_a.email)
        [link] = set(re.findall(r"https?://[^/]+(/console/exports/exportrun/\S+?/)(?=\s|$)", mail.text_body))
        assert str(run.pk) in link
        assert opened(None, link).redirect_chain[-1][0].startswith("/accounts/login/")
        assert opened(world.provider_admin_b, link).status_code == 404
        assert "Download the file" in opened(world.provider_admin_a, link).content.decode()
        download = f"/console/exports/exportrun/{run.pk}/download/"
        file = opened(world.provider_admin_a, download)
        assert str(world.payment_a.pk).encode() in file.content
        assert file["Content-Disposition"].startswith("attachment")
        assert opened(None, download).redirect_chain[-1][0].startswith("/accounts/login/")
        assert opened(world.owner_a, download).redirect_chain[-1][0].endswith("/change/")
    with as_system():
        stored = StoredFile.objects.get(pk=run.file_id)
    with time_machine.travel(stored.expires_at + dt.timedelta(minutes=1)):
        with as_system():
            purge_expired()
            expire_runs()
            assert ExportRun.objects.get(pk=run.pk).status == ExportStatus.EXPIRED
        assert "Content-Disposition" not in opened(world.provider_admin_a, download)


def opened(user: Any, address: str) -> Any:
    browser = Client()
    return (browser if user is None else sign_in(browser, user)).get(address, follow=True)
