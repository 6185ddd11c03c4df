"""A right that is lost is lost at once: for the open session, the file on its way, the import that waits for its word,
and the work that is queued. The judge looks at answers, rows and files as the database has them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts.models import User
from accounts.services import forget_person
from core.apps import core_config
from core.context import Actor
from enrollments.models import Enrollment
from exports.models import ExportRun
from exports.services.schedules import run_due as start_due
from files.models import StoredFile
from imports.models import ImportRun
from jobs.models import Job
from organizations.actors import load_actor
from organizations.services.grants import withdraw_access
from organizations.services.memberships import change_role, remove_member, set_platform_role, suspend_member
from payments.models import Payment
from tests.admin_site.addresses import action, adding, listing, record
from tests.database import as_system
from tests.exports.wishes import asked, scheduled
from tests.factories.names import World
from tests.imports.files import as_csv, many_clients
from tests.imports.walks import confirm, newest, run_page, upload
from tests.resources.files import CLIENT
from tests.trials import Trial
from tests.web import sign_in
from tests.work import run, run_due

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

WHY = "left the house"
ROWS = 6
Loss = Callable[[World, User], object]


@pytest.fixture
def in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every import is a long one: two rows a job."""
    monkeypatch.setattr("resources.writing.CHUNK", 2)
    monkeypatch.setattr("resources.importing.is_small", lambda _resource, rows: rows < ROWS)


def _membership(user: User) -> Any:
    return user.memberships.active().get()


def switch_off(_: World, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


STAFF_LOSSES: dict[str, Loss] = {
    "demoted": lambda _, user: change_role(_membership(user), "counselor", reason=WHY),
    "suspended": lambda _, user: suspend_member(_membership(user), reason=WHY),
    "removed": lambda _, user: remove_member(_membership(user), reason=WHY),
    "switched off": switch_off,
    "erased": lambda _, user: forget_person(user, reason=WHY),
}
OTHER_LOSSES: dict[str, tuple[str, Loss]] = {
    "platform role taken": ("platform_finance", lambda _, user: set_platform_role(user, "", reason=WHY)),
    "grant withdrawn": (
        "auditor",
        lambda world, user: withdraw_access(user, world.provider_a, "organizations.audit_organization", reason=WHY),
    ),
}


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def lose(world: World, user: User, loss: Loss) -> None:
    with as_system():
        loss(world, User.objects.get(pk=user.pk))


def count(model: Any) -> int:
    with as_system():
        return int(model._base_manager.count())


# --- what is under way when the right goes; each yields what went on nevertheless -------------------------------------
def session(world: World, user: User, loss: Loss) -> Iterator[bool]:
    """The next clicks of somebody who is signed in: pages, files, forms."""
    client = sign_in(Client(), user)
    assert client.get(listing(Payment)).status_code == 200
    lose(world, user, loss)
    for url in (record(world.payment_a), listing(Payment), listing(Payment) + "export/", "/console/search/?s=client",
                record(world.payment_a, "history")):  # fmt: skip
        answer = client.get(url)
        yield answer.status_code == 200 and (b"/change/" in answer.content or b"csrfmiddlewaretoken" in answer.content)
    before = count(Job), count(Enrollment)
    for url in (listing(Payment) + "export/", action(world.invited_a, "invite"), adding(Enrollment)):
        answer = client.post(url, {"format": "csv", "columns": "all", "reason": WHY})
        yield answer.status_code == 200 or answer.headers.get("Content-Disposition") is not None
    yield (count(Job), count(Enrollment)) != before


def export(world: World, user: User, loss: Loss) -> Iterator[bool]:
    """An export that is queued."""
    wish, files = asked(user), count(StoredFile)
    lose(world, user, loss)
    run_due("exports.run")
    yield count(StoredFile) > files or _has_file(wish)


def finished_export(world: World, user: User, loss: Loss) -> Iterator[bool]:
    """A file that is ready, and its link already on the screen."""
    wish, client = asked(user), sign_in(Client(), user)
    run_due("exports.run")
    link = client.get(f"/console/exports/exportrun/{wish.pk}/download/").headers["Location"]
    lose(world, user, loss)
    yield client.get(link).status_code == 200


def repeated_export(world: World, user: User, loss: Loss) -> Iterator[bool]:
    """An export that repeats, at its next hour."""
    schedule, runs = scheduled(user), count(ExportRun)
    lose(world, user, loss)
    with time_machine.travel(schedule.next_at + dt.timedelta(hours=1), tick=False), as_system():
        start_due({"payments": "payments.export_payment"})
    yield count(ExportRun) > runs


def preview(world: World, user: User, loss: Loss) -> Iterator[bool]:
    """An import whose preview is on the screen, and then its confirmation is sent."""
    client, before = sign_in(Client(), user), count(Enrollment)
    shown = upload(client, CLIENT)
    lose(world, user, loss)
    confirm(client, newest(), shown.context["token"])
    run_due()
    yield count(Enrollment) > before


def queued_import(world: World, user: User, loss: Loss, *, chunks: int = 0) -> Iterator[bool]:
    """An import that was confirmed and is written by jobs, of which `chunks` are done."""
    client = sign_in(Client(), user)
    upload(client, content=as_csv(many_clients(ROWS, chooser=random.Random(1))))
    run_due("imports.check")
    page = client.get(run_page(newest(), "row_list"))
    confirm(client, newest(), page.context["token"])
    for _ in range(chunks):
        run(_next_job(newest()))
    before = count(Enrollment)
    lose(world, user, loss)
    run_due()
    yield count(Enrollment) > before


def half_written_import(world: World, user: User, loss: Loss) -> Iterator[bool]:
    return queued_import(world, user, loss, chunks=1)


def _next_job(running: ImportRun) -> Job:
    with as_system():
        return Job.objects.due().get(subject_id=str(running.pk))


def _has_file(wish: ExportRun) -> bool:
    with as_system():
        return ExportRun.objects.get(pk=wish.pk).file_id is not None


UNDER_WAY = (session, export, finished_export, repeated_export, preview, queued_import, half_written_import)


def gone_on(world: World, wanted: list[tuple[str, str, Loss, Any]]) -> tuple[int, list[str]]:
    """How often something was tried after a right was lost, and what went on."""
    tried, found = 0, []
    for name, person, loss, under_way in wanted:
        with undone():
            answers = list(under_way(world, getattr(world, person), loss))
        tried += len(answers)
        found += [f"{person} {name}: {under_way.__name__} {number}" for number, on in enumerate(answers) if on]
    return tried, found


def everything(people: tuple[str, ...]) -> list[tuple[str, str, Loss, Any]]:
    staff = [(name, who, loss, work) for who in people for name, loss in STAFF_LOSSES.items() for work in UNDER_WAY]
    return staff + [(name, who, loss, session) for name, (who, loss) in OTHER_LOSSES.items()]


@pytest.mark.torture("A-13")
def test_a_right_that_is_lost_is_lost_at_once(world: World, trial: Trial, in_small_pieces: None) -> None:
    wanted = everything(("provider_admin_a", "owner_a") if trial.scale(fast=0, long=1) else ("provider_admin_a",))
    rounds = trial.scale(fast=1, long=5)
    tried, found = gone_on(world, wanted * rounds)
    trial.report(n=tried, violations=len(found), losses=len(STAFF_LOSSES) + len(OTHER_LOSSES),
                 under_way=len(UNDER_WAY), first=found[:10])  # fmt: skip


@pytest.mark.control("A-13")
def test_rights_that_a_session_remembers_are_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[str, Actor] = {}
    asked_anew = core_config().actor_of

    def remembering(request: Any) -> Actor:
        key = request.session.session_key
        if key not in remembered:
            remembered[key] = asked_anew(request)
        return remembered[key]

    monkeypatch.setattr(core_config(), "actor_of", remembering)
    assert gone_on(world, [("grant withdrawn", *OTHER_LOSSES["grant withdrawn"], session)])[1]


@pytest.mark.control("A-13")
@pytest.mark.parametrize(("module", "work"), [("tasks.exports", export), ("tasks.imports", queued_import)])
def test_rights_that_a_job_remembers_are_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch, in_small_pieces: None, module: str, work: Any
) -> None:
    with as_system():
        before = load_actor(world.provider_admin_a)
    monkeypatch.setattr(f"{module}.load_actor", lambda _user: before)
    assert gone_on(world, [("removed", "provider_admin_a", STAFF_LOSSES["removed"], work)])[1]
