"""A word in every text of tenant B is seen by nobody of tenant A, wherever they look and whatever they are sent."""

from __future__ import annotations

import email
import email.policy
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db.models import Q
from django.test import Client

from admin_site.site import console
from audit.models import AuditEvent
from core.scope import ScopedQuerySet
from enrollments.models import Client as Person
from exports.services.runs import Wanted
from files.models import StoredFile
from files.services import read
from jobs.models import Job, JobLine
from resources.catalogue import RESOURCES
from resources.exporting import FORMATS
from tests.admin_site.addresses import action, bulk, listing
from tests.database import Databases, as_system
from tests.exports.wishes import asked, written
from tests.factories.names import World
from tests.torture.canary import TOKEN, plant
from tests.trials import Trial
from tests.web import sign_in
from tests.words import stands_in
from tests.work import run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]
ROLES = ("provider_admin_a", "counselor_a", "owner_a", "attorney_a", "client_user_a")
LINK = re.compile(r'(?:href|action|src|data-url|hx-get)="(/[^"#]*)"')
NOT_FOLLOWED = re.compile(r"logout|/static/|/end\b|language|\.(?:css|js|svg|woff2)$")
Sent = Iterator[tuple[str, bytes]]


@pytest.fixture(autouse=True)
def mails(settings: Any, tmp_path: Path) -> Path:
    settings.MAIL_FILE_DIR = tmp_path / "mail"
    return tmp_path / "mail"


# --- what people of tenant A look at and are sent: (where, bytes) -----------------------------------------------------
def body_of(answer: Any) -> bytes:
    content: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content + str(answer.headers).encode()


def pages(world: World, role: str, most: int) -> Sent:
    """Every link from the lists on."""
    client = sign_in(Client(raise_request_exception=False), getattr(world, role))
    starts = ["/dashboard", "/account", "/my/", "/console/", *(listing(model) for model in console._registry)]
    starts += [f"{listing(model)}?q={TOKEN[:5]}" for model in console._registry]
    waiting, seen = deque(starts), set(starts)
    for _ in range(most):
        if not waiting:
            return
        path = waiting.popleft()
        answer = client.get(path)
        body = body_of(answer)
        yield f"{role} {path}", body
        for raw in LINK.findall(body.decode(errors="replace")):
            link = raw.replace("&amp;", "&")
            if link not in seen and not NOT_FOLLOWED.search(link):
                seen.add(link)
                waiting.append(link)


def exports(world: World, role: str) -> Sent:
    """Every resource in every format, as the list's button sends it."""
    client = sign_in(Client(raise_request_exception=False), getattr(world, role))
    for resource in RESOURCES.values():
        for form in FORMATS:
            answer = client.post(f"{listing(resource.model)}export/", {"format": form, "columns": "all"})
            body = answer.content if answer.status_code == 200 else b""
            yield f"{role} exports {resource.name} as {form}", body


def work(world: World, mails: Path) -> Sent:
    """What the worker does for tenant A and for nobody in particular: files and exports in the background, documents,
    mails, results, evidence."""
    ask_for_work(world)
    homes = [world.provider_a.pk, world.firm_a.pk]
    for job in due_for(homes):
        run(job)
    with as_system():
        for file in StoredFile.objects.filter(organization__in=homes):
            yield f"file {file.name}", read(file) or b""
        jobs = Job.objects.filter(organization__in=homes)
        for row in (*jobs, *JobLine.objects.filter(job__in=jobs), *AuditEvent.objects.filter(organization__in=homes)):
            yield str(type(row)), repr(vars(row)).encode()
    for path in sorted(mails.glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
        yield f"mail {mail['Subject']}", str([*mail.items(), *parts]).encode()


def ask_for_work(world: World) -> None:
    """An export of everything, invitations anew, a certificate, changes of many rows: each leads to mails or files."""
    for resource in RESOURCES.values():
        written(asked(world.provider_admin_a, Wanted(resource.name, resource.permission("export"), format="xlsx")))
    admin, client = sign_in(Client(), world.provider_admin_a), sign_in(Client(), world.client_user_a)
    admin.post(action(world.invitation_a, "refresh"))
    admin.post(action(world.invited_a, "invite"), {"reason": "because"})
    admin.post(bulk(type(world.invited_a), "invite"), {"pk": [str(world.invited_a.pk), str(world.invited_b.pk)]})
    client.post(f"/course/{world.completed_a.pk}/certificate/issue")
    admin.post(action(world.completed_a, "issue_by_hand"), {"reason": "because"})


def due_for(homes: list[Any]) -> Iterator[Job]:
    done: set[Any] = set()
    while True:
        with as_system():
            due = Job.objects.due().filter(Q(organization__in=homes) | Q(organization=None)).exclude(pk__in=done)
            job = due.exclude(kind="core.nothing").first()
        if job is None or len(done) > 100:
            return
        done.add(job.pk)
        yield job


def shown(sent: Sent) -> tuple[int, list[str]]:
    """How much was looked at, and where the word stands."""
    looked, found = 0, []
    for place, body in sent:
        looked += bool(body)
        found += [place] if stands_in(TOKEN, body) else []
    return looked, found


@pytest.mark.torture("A-02")
def test_the_word_is_seen_by_nobody_of_the_other_tenant(
    world: World, databases: Databases, trial: Trial, mails: Path, caplog: pytest.LogCaptureFixture
) -> None:
    filled, refused = plant(world, databases)
    looked: dict[str, int] = {"pages": 0, "exports": 0}
    found: list[str] = []
    for role in trial.random.sample(ROLES, trial.scale(fast=2, long=len(ROLES))):
        most = trial.scale(fast=45, long=1500)
        for kind, sent in (("pages", pages(world, role, most)), ("exports", exports(world, role))):
            number, hits = shown(sent)
            looked[kind] += number
            found += hits
    looked["work"], hits = shown(work(world, mails))
    found += hits + (["the log"] if TOKEN in caplog.text else [])

    assert filled > 40
    assert list(mails.glob("*.eml"))
    trial.report(
        n=sum(looked.values()), violations=len(found), columns=filled, columns_that_refused=len(refused),
        looked=looked, mails=len(list(mails.glob("*.eml"))), found=found[:10],
    )  # fmt: skip


def without_scope(monkeypatch: pytest.MonkeyPatch, databases: Databases, *tables: str) -> None:
    """The mistake, with the second net down as well: whoever asks gets every row there is."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as superuser:
        for table in tables:
            superuser.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for door in ("visible_to", "permitted_to"):
        monkeypatch.setattr(ScopedQuerySet, door, lambda rows, *_who: rows)
    monkeypatch.setattr("admin_site.lists.branches_of", lambda *_: [Q()])


@pytest.mark.control("A-02")
def test_a_list_without_its_scope_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(world, databases)
    without_scope(monkeypatch, databases, "enrollments_client")
    client = sign_in(Client(), world.provider_admin_a)
    assert shown(iter([("list", body_of(client.get(listing(Person))))]))[1]


@pytest.mark.control("A-02")
def test_an_export_and_its_mail_without_their_scope_are_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch, mails: Path
) -> None:
    plant(world, databases)
    without_scope(monkeypatch, databases, "enrollments_client", "enrollments_enrollment", "organizations_organization")
    assert shown(exports(world, "provider_admin_a"))[1]
    assert any(place.startswith("file") for place in shown(work(world, mails))[1])
