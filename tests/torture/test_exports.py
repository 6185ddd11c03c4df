"""What leaves in files: no formulas, no change on the way round, only for whom it was made, nothing secret."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client as Browser
from openpyxl import load_workbook

from audit.models import AuditEvent
from core.context import acting
from enrollments.enums import EnrollmentStatus
from enrollments.models import Client, Enrollment
from exports.services.runs import Wanted
from files.links import signed_link
from files.services import store
from organizations.actors import load_actor
from organizations.models import Membership
from resources.catalogue import RESOURCES
from resources.exporting import FORMATS, run_export
from resources.importing import run_import
from tests.database import Databases, as_system
from tests.exports.wishes import asked, written
from tests.factories import cases
from tests.factories.names import World
from tests.proofs.books import by_owner
from tests.resources.hostile import hostile_cells, is_formula, starts_formula
from tests.trials import Trial
from tests.web import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("folder")]


@contextmanager
def admin(world: World, name: str = "provider_admin_a") -> Iterator[Any]:
    with as_system():
        actor = load_actor(getattr(world, name))
    with acting(actor):
        yield actor


def cells_of(content: bytes, form: str) -> list[str]:
    """Every text cell of a file, read by programs that share nothing with its writer."""
    if form == "xlsx":
        sheet = load_workbook(io.BytesIO(content)).active
        return [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.data_type in {"s", "f"}]
    text = content.decode("utf-8-sig")
    return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row if not is_number(cell)]


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def spoil_texts(databases: Databases, cells: list[str]) -> None:
    """Put hostile texts into every text a person can type, past all validation."""
    for table, column, size in (
        ("enrollments_client", "first_name", 80), ("enrollments_client", "last_name", 80),
        ("payments_payment", "note", 500), ("payments_payment", "payment_intent_id", 120),
        ("payments_refund", "reason", 500), ("payments_refund", "failure", 200),
        ("enrollments_enrollment", "case_number", 40),
    ):  # fmt: skip
        by_owner(
            databases,
            f"WITH n AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM {table})"
            f" UPDATE {table} t SET {column} = left((%s::text[])[1 + (n.n * 7) %% %s], {size})"
            " FROM n WHERE n.id = t.id",
            cells, len(cells),
        )  # fmt: skip


def fill(world: World, rows: int) -> None:
    with as_system():
        for number in range(rows):
            letters = str(number).translate(str.maketrans("0123456789", "abcdefghij"))
            client = Client.objects.create(
                provider=world.provider_a, first_name="Hana", last_name=f"Row{letters}", email=f"h{number}@example.org"
            )
            enrollment = Enrollment.objects.create(
                provider=world.provider_a, client=client, kind="CC", district_id="cacb"
            )  # fmt: skip
            cases.make_refund(cases.make_payment(enrollment))


def formulas_that_left(world: World) -> tuple[int, int]:
    """How many text cells left through every exporter in every format, and how many of them are formulas."""
    seen = bad = 0
    for form in FORMATS:
        for resource in RESOURCES.values():
            with admin(world) as actor:
                content = run_export(resource(actor), FORMATS[form](), limit=100_000)
            cells = cells_of(content, form)
            seen += len(cells)
            bad += sum(starts_formula(cell) if form == "xlsx" else is_formula(cell) for cell in cells)
    return seen, bad


@pytest.mark.torture("C-01")
def test_no_cell_leaves_as_a_formula_through_any_exporter(trial: Trial, world: World, databases: Databases) -> None:
    fill(world, trial.scale(fast=40, long=1_500))
    spoil_texts(databases, [cell.replace("\x00", "") for cell in hostile_cells(2_000, trial.seed)])
    seen, bad = formulas_that_left(world)
    trial.report(n=seen, violations=bad, exporters=len(RESOURCES), formats=len(FORMATS))


@pytest.mark.control("C-01")
def test_an_exporter_without_the_neutraliser_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 10)
    spoil_texts(databases, [cell.replace("\x00", "") for cell in hostile_cells(500, seed=1)])
    monkeypatch.setattr("resources.lines.SUSPECT_ROW", "nothing-looks-like-this")
    assert formulas_that_left(world)[1] > 0


def changed_on_the_way_round(world: World, form: str) -> tuple[int, int]:
    """Export clients, import the same file again: how many rows, and how many the import would change."""
    with admin(world) as actor:
        resource = RESOURCES["enrollments"](actor, world.provider_a)
        wanted = [name for name in resource.exports if name in resource.writable]
        open_ones = Enrollment.objects.filter(status=EnrollmentStatus.INVITED)
        content = run_export(resource, FORMATS[form](), rows=open_ones, columns=wanted)
    with admin(world) as actor:
        fresh = RESOURCES["enrollments"](actor, world.provider_a)
        report = run_import(fresh, content, name=f"enrollments.{form}", dry_run=True)
    return sum(report.counts.values()), report.counts["updated"] + report.counts["created"] + len(report.errors)


@pytest.mark.torture("C-02")
def test_numbers_stay_numbers_and_texts_come_back(trial: Trial, world: World, databases: Databases) -> None:
    fill(world, trial.scale(fast=15, long=300))
    cells = [c for c in hostile_cells(400, trial.seed) if c == c.strip() and c.isprintable() and c]
    by_owner(
        databases,
        "WITH n AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM enrollments_client)"
        " UPDATE enrollments_client t SET phone = left((%s::text[])[1 + n.n %% %s], 30) FROM n WHERE n.id = t.id",
        cells, len(cells),
    )  # fmt: skip
    changed = rows = 0
    for form in ("csv", "xlsx"):
        looked, different = changed_on_the_way_round(world, form)
        rows, changed = rows + looked, changed + different
    with admin(world) as actor:
        table = list(csv.DictReader(io.StringIO(run_export(RESOURCES["payments"](actor), FORMATS["csv"]()).decode())))
    quoted = sum(not is_number(row["amount_cents"]) for row in table)
    trial.report(n=rows + len(table), violations=changed + quoted)


@pytest.mark.control("C-02")
def test_a_reader_that_does_not_take_the_guard_away_is_found_out(
    world: World, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 5)
    by_owner(databases, "UPDATE enrollments_client SET phone = '+1 555 0100'")
    monkeypatch.setattr("resources.reading.restore_text_cell", lambda cell: cell)
    assert changed_on_the_way_round(world, "csv")[1] > 0


def leaked(world: World, rows: int, spoil: Callable[[], None] = lambda: None) -> tuple[int, int]:
    """An export in the background, then everybody who must not have it tries; returns tries and successes."""
    run = written(asked(world.provider_admin_a, Wanted("payments", "payments.export_payment"), rows_expected=rows))
    owner = sign_in(Browser(), world.provider_admin_a)
    link = owner.get(f"/console/exports/exportrun/{run.pk}/download/").url
    others = [sign_in(Browser(), getattr(world, name)) for name in WHO]
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="counselor")
    spoil()
    answers = [browser.get(link) for browser in [*others, Browser(), sign_in(Browser(), world.provider_admin_a)]]
    answers += [browser.get(link[:-2] + "xx") for browser in others]
    return len(answers), sum(answer.status_code == 200 for answer in answers)


WHO = (
    "owner_a",
    "counselor_a",
    "attorney_a",
    "client_user_a",
    "provider_admin_b",
    "owner_b",
    "platform_admin",
    "platform_finance",
    "platform_support",
    "auditor",
    "two_hats",
    "stranger",
)


@pytest.mark.torture("C-07", "A-11")
def test_a_large_export_is_for_its_owner_while_they_hold_the_right(
    trial: Trial, world: World, databases: Databases
) -> None:
    rows = trial.scale(fast=3_000, long=200_000)
    by_owner(databases, COPIES, rows, world.payment_a.pk)
    tried, got = leaked(world, rows)
    with as_system():
        event = AuditEvent.objects.get(act="payments.exported")
    wrong = int(event.payload["rows"] != rows + 1) + got
    trial.report(n=tried + rows, violations=wrong, rows=event.payload["rows"], tries=tried)


# As many payments as wanted, all like the one of the world.
COPIES = """
    INSERT INTO payments_payment (id, created_at, updated_at, provider_id, enrollment_id, household_id, amount_cents,
        refunded_cents, currency, source, status, idempotency_key, checkout_session_id, checkout_url,
        payment_intent_id, failure, note, succeeded_at)
    SELECT gen_random_uuid(), created_at, updated_at, provider_id, enrollment_id, household_id, amount_cents, 0,
        currency, source, status, 'copy-' || n, '', '', '', '', '', succeeded_at
      FROM payments_payment, generate_series(1, $2::int) n WHERE id = $1::uuid
""".replace("$1", "%s").replace("$2", "%s")


@pytest.mark.control("C-07", "A-11")
def test_a_link_that_asks_for_no_right_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forget() -> None:
        monkeypatch.setattr("files.views.may_open", lambda _file, _actor: True)

    assert leaked(world, 1, forget)[1] > 0


TRICKS = [
    ("text/csv", b"<html><script>alert(1)</script>"), ("text/plain", b"<svg onload=alert(1)>"),
    ("application/pdf", b"%PDF-1.7 <script>alert(1)</script>"), ("application/json", b'{"a": "<script>"}'),
    ("image/png", b"\x89PNG\r\n\x1a\n<script>"), ("application/zip", b"PK\x03\x04<html>"),
]  # fmt: skip
NAMES = [
    "../../etc/passwd", "a\r\nSet-Cookie: x=1.csv", "evil\u202efdp.exe", 'a"; filename="b.html', "x.html\x00.csv",
    "..\\..\\boot.ini", "name\n.svg", "<script>.csv",
]  # fmt: skip


def shown_inline(world: World, choose: random.Random, tries: int) -> tuple[int, int]:
    """Files of every kind under every bad name: how many were fetched, and how many a browser might run or misplace."""
    bad = 0
    for _number in range(tries):
        kind, content = choose.choice(TRICKS)
        with as_system():
            file = store(
                content, name=choose.choice(NAMES), content_type=kind, kind="certificate",
                organization=world.provider_a.pk, person=world.provider_admin_a.pk,
            )  # fmt: skip
            link = signed_link(file, world.provider_admin_a)
        answer = sign_in(Browser(), world.provider_admin_a).get(link)
        disposition = answer["Content-Disposition"]
        bad += (
            not disposition.startswith("attachment")
            or answer.get("X-Content-Type-Options") != "nosniff"
            or "sandbox" not in answer.get("Content-Security-Policy", "")
            or any(sign in disposition for sign in ("/", "\\", "\r", "\n", "\u202e", "<"))
            or "Set-Cookie: x" in str(answer.headers)
        )
    return tries, bad


@pytest.mark.torture("C-08")
def test_a_file_is_saved_and_never_shown(trial: Trial, world: World) -> None:
    tried, bad = shown_inline(world, trial.random, trial.scale(fast=40, long=400))
    trial.report(n=tried, violations=bad)


@pytest.mark.control("C-08")
def test_a_file_that_is_shown_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("files.views.content_disposition_header", lambda **_options: "inline")
    assert shown_inline(world, random.Random(1), 5)[1] == 5


SECRETS = {
    "enrollments_client": ("ssn_last4", "birth_date"),
    "payments_payment": ("checkout_url", "idempotency_key"),
    "payments_feewaiver": ("explanation",),
}


def secrets_that_left(world: World, databases: Databases, caplog: Any) -> tuple[int, int]:
    """Put a token into everything sealed or secret, export everything: how many bytes left, how often the token."""
    token = "c4n4ry-t0ken"
    for table, columns in SECRETS.items():
        for column in columns:
            unique = " || id::text" if column == "idempotency_key" else ""
            by_owner(databases, f"UPDATE {table} SET {column} = left('{token}'{unique}, 80)")
    size = hits = 0
    for form in FORMATS:
        for resource in RESOURCES.values():
            with admin(world) as actor:
                content = run_export(resource(actor), FORMATS[form](), limit=100_000)
            size += len(content)
            hits += sum(token in cell for cell in cells_of(content, form))
    return size, hits + caplog.text.count(token)


@pytest.mark.torture("L-07")
def test_nothing_sealed_leaves_in_a_file_or_a_log(
    trial: Trial, world: World, databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    size, hits = secrets_that_left(world, databases, caplog)
    trial.report(n=size, violations=hits)


@pytest.mark.control("L-07")
def test_an_export_of_a_secret_column_is_found_out(
    world: World, databases: Databases, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = RESOURCES["payments"].column_path
    spoilt = staticmethod(lambda name: "checkout_url" if name == "reference" else path(name))
    monkeypatch.setattr(RESOURCES["payments"], "column_path", spoilt)
    assert secrets_that_left(world, databases, caplog)[1] > 0
