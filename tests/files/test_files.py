"""Private files: stored under random keys, reached only through a fresh link by the person it was made for."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from audit.models import SystemEvent
from core import clock
from core.errors import DomainError
from files.links import signed_link
from files.models import StagedUpload, StoredFile
from files.services import purge_expired, purge_orphans, safe_name, store
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("folder")]

PDF = b"%PDF-1.7 a certificate"


def keep(world: World, **changes: Any) -> StoredFile:
    arguments: dict[str, Any] = {
        "name": "certificate.pdf", "content_type": "application/pdf", "kind": "certificate",
        "organization": world.provider_a.pk, "person": world.client_user_a.pk,
    }  # fmt: skip
    with as_system():
        return store(changes.pop("content", PDF), **arguments | changes)


def get(user: Any, path: str) -> Any:
    client = Client()
    return (sign_in(client, user) if user is not None else client).get(path)


def test_a_file_lies_under_a_key_that_tells_nothing_and_only_its_owner_may_read_it(world: World, folder: Path) -> None:
    file = keep(world, name="Ada Client's certificate.pdf")

    path = folder / file.key
    assert path.read_bytes() == PDF
    assert (file.size, file.sha256) == (len(PDF), hashlib.sha256(PDF).hexdigest())
    assert "ada" not in file.key.lower()
    assert file.key.startswith(f"certificate/{clock.now():%Y/%m}/")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"", "application/pdf", "file_empty"),
        (b"<html>", "text/html", "file_type_not_allowed"),
        (b"MZ not a pdf", "application/pdf", "file_type_not_allowed"),
        (b"a,b\x00c", "text/csv", "file_type_not_allowed"),
        (b"\xff\xfe", "text/plain", "file_type_not_allowed"),
        (b"%PDF-" + bytes(25 * 1024 * 1024), "application/pdf", "file_too_large"),
    ],
)
def test_what_is_not_on_the_list_is_refused(world: World, content: bytes, content_type: str, code: str) -> None:
    with pytest.raises(DomainError) as refused:
        keep(world, content=content, content_type=content_type)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("certificate.pdf", "certificate.pdf"),
        ("../../etc/passwd", "-..-etc-passwd"),
        ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie- x=1.pdf"),
        ("evil\u202efdp.exe", "evil fdp.exe"),
        (".htaccess", "htaccess"),
        ("Añö 書類.pdf", "Añö 書類.pdf"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 109 + ".pdf"),
    ],
)
def test_names_are_made_harmless(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_the_person_gets_the_file_as_a_download_that_no_cache_keeps(world: World) -> None:
    answer = get(world.client_user_a, signed_link(keep(world, name="José's certificate.pdf"), world.client_user_a))

    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Jos%C3%A9%27s%20certificate.pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]


def test_staff_of_the_organization_get_it_with_a_link_of_their_own(world: World) -> None:
    answer = get(world.provider_admin_a, signed_link(keep(world), world.provider_admin_a))

    assert answer.status_code == 200


def test_everyone_else_and_everything_stale_gets_the_same_answer(world: World) -> None:
    """A stolen, foreign, altered, expired or made-up link tells nothing, not even that the file exists."""
    file, owner, stranger = keep(world), world.client_user_a, world.client_user_b
    good = signed_link(file, owner)
    gone = keep(world, expires_at=clock.now() - dt.timedelta(seconds=1))
    with time_machine.travel(clock.now() - dt.timedelta(minutes=16)):
        stale = signed_link(file, owner)
    requests = {
        "stolen": (stranger, good),
        "visitor": (None, good),
        "foreign": (stranger, signed_link(file, stranger)),
        "altered": (owner, good[:-1] + ("A" if good[-1] != "A" else "B")),
        "made up": (owner, "/files/hello"),
        "expired link": (owner, stale),
        "expired file": (owner, signed_link(gone, owner)),
    }

    answers = {name: get(user, path) for name, (user, path) in requests.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(requests, 404)
    assert get(owner, good).status_code == 200


def test_a_lost_right_closes_a_link_that_was_given_before(world: World) -> None:
    file, counselor = keep(world), world.counselor_a
    link = signed_link(file, counselor)
    before = get(counselor, link).status_code

    with as_system():
        counselor.memberships.update(status="suspended")

    assert (before, get(counselor, link).status_code) == (200, 404)


def test_a_file_that_was_altered_on_disk_is_not_handed_out_and_told_to_the_platform(world: World, folder: Path) -> None:
    file = keep(world)
    (folder / file.key).write_bytes(PDF + b" forged")

    answer = get(world.client_user_a, signed_link(file, world.client_user_a))

    assert answer.status_code == 404
    with as_system():
        assert SystemEvent.objects.filter(source="files", level="error", detail__file=str(file.pk)).count() == 1


def test_a_link_cannot_be_posted_to(world: World) -> None:
    link = signed_link(keep(world), world.client_user_a)

    assert sign_in(Client(), world.client_user_a).post(link).status_code == 405


def test_what_is_past_its_time_goes_and_what_is_needed_stays(
    world: World, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    kept, gone = keep(world), keep(world, expires_at=clock.now() + dt.timedelta(days=1))
    later = time_machine.travel(clock.now() + dt.timedelta(days=2))
    with later, django_capture_on_commit_callbacks(execute=True), as_system():
        counts = purge_expired()

    with as_system():
        left = set(StoredFile.objects.filter(pk__in=[kept.pk, gone.pk]).values_list("pk", flat=True))
        assert StagedUpload.objects.count() == 0
    assert counts == (1, 2)
    assert left == {kept.pk}
    assert [(folder / file.key).exists() for file in (kept, gone)] == [True, False]


def test_contents_that_a_roll_back_left_behind_go_after_a_day(world: World) -> None:
    file = keep(world)
    orphan = default_storage.save(f"certificate/{clock.now():%Y/%m}/orphan", ContentFile(PDF))

    with as_system():
        first = purge_orphans()
    with time_machine.travel(clock.now() + dt.timedelta(days=1, minutes=1)), as_system():
        second = purge_orphans()

    assert (first, second) == (0, 1)
    assert [default_storage.exists(key) for key in (file.key, orphan)] == [True, False]
