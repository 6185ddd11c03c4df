"""Files of any shape: answered in words, in bounded time, with nothing written."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator

import pytest

from core.context import acting
from core.errors import DomainError
from resources.enrollments import EnrollmentResource
from resources.importing import run_import
from tests.database import Databases
from tests.factories.names import World
from tests.resources.files import CLIENT, DEBTOR, csv_file
from tests.torture.imports import a_file, actor_of, state_of
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = 60


def shapes() -> Iterator[tuple[str, bytes]]:
    """Names and contents of files that are not what they should be."""
    head = ",".join(CLIENT).encode()
    good = csv_file(CLIENT)
    yield "million.csv", b"first_name\n" + b"Ana\n" * 1_000_000
    yield "cell.csv", head + b"\n" + b"x" * (1 << 20)
    yield "columns.csv", b",".join(b"c%d" % n for n in range(10_000))
    yield "ragged.csv", head + b"\na,b\n" + b"a," * 40 + b"\n"
    yield "utf16.csv", good.decode().encode("utf-16")
    yield "nul.csv", good.replace(b"Maria", b"Ma\x00ria")
    yield "latin.csv", good.replace(b"Maria", b"Mar\xeda")
    yield "twice.csv", head + b",email\n"
    yield "quote.csv", head + b'\n"' + b"a" * 1000
    yield "semicolon.csv", good.replace(b",", b";")
    yield "empty.csv", b""
    yield "header.csv", head
    yield "image.csv", b"\x89PNG\r\n" + bytes(range(256))
    yield "wrong.xlsx", good
    yield "zip.csv", _archive({"a.txt": b"a"})
    yield "bomb.xlsx", _archive({"xl/worksheets/sheet1.xml": bytes(60 * 1024 * 1024)})
    yield "hollow.xlsx", _archive({"[Content_Types].xml": b"<Types/>"})
    yield (
        "entity.xlsx",
        _archive({"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'}),
    )
    yield "macro.xlsx", _archive({"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0"})
    yield "large.csv", b"a" * (41 * 1024 * 1024)


def _archive(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def answered(world: World, name: str, content: bytes) -> bool:
    """Whether a file was refused in words, as a whole or by its rows."""
    actor = actor_of(world.provider_admin_a)
    try:
        with acting(actor):
            report = run_import(EnrollmentResource(actor, world.provider_a), content, name=name, dry_run=False)
    except DomainError:
        return True
    except Exception:  # noqa: BLE001 -- whatever else comes is what the trial looks for
        return False
    return bool(report.errors)


@pytest.mark.torture("C-04")
def test_a_file_of_any_shape_is_refused_in_words(world: World, databases: Databases, trial: Trial) -> None:
    """C-04."""
    before, violations, slowest, tried = state_of(databases), 0, 0.0, 0
    for name, content in shapes():
        began = time.monotonic()
        violations += not answered(world, name, content)
        slowest = max(slowest, time.monotonic() - began)
        tried += 1
    violations += (slowest > SECONDS) + (state_of(databases) != before)
    trial.report(n=tried, violations=violations, slowest=round(slowest, 2))


@pytest.mark.torture("C-09")
def test_no_file_breaks_the_importer(world: World, databases: Databases, trial: Trial) -> None:
    """C-09: good files with bytes changed, doubled and cut; a last bad row keeps every one of them out."""
    chance, violations, before = trial.random, 0, state_of(databases)
    rounds = trial.scale(fast=60, long=5_000)
    for _ in range(rounds):
        content = bytearray(chance.choice((csv_file(CLIENT, DEBTOR), a_file(3), csv_file({}, CLIENT))))
        for _ in range(chance.randrange(1, 12)):
            place = chance.randrange(len(content) or 1)
            match chance.randrange(4):
                case 0:
                    content[place : place + 1] = bytes([chance.randrange(256)])
                case 1:
                    content[place:place] = chance.choice((b'"', b",", b"\n", b"\r", b"\x00", "é".encode(), b"=1+1"))
                case 2:
                    del content[place : place + chance.randrange(1, 40)]
                case _:
                    content += content[place : place + 200]
        violations += not answered(world, "fuzz.csv", bytes(content) + b'\n"1","2"\n')
    violations += state_of(databases) != before
    trial.report(n=rounds, violations=violations)
