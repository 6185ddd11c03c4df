"""The wizard of an import as people see it: at a desk in English, on a phone in Spanish."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from enrollments.models import Enrollment
from tests.browser.conftest import DESKTOP, PHONE, overflow
from tests.factories.names import World
from tests.imports.walks import list_page
from tests.resources.files import CLIENT, DEBTOR, csv_file

pytestmark = pytest.mark.django_db(transaction=True)

LOOKED_AT = os.environ.get("CERTAOS_SCREENSHOTS", "")


def look(page: Page, name: str) -> None:
    """A page is never wider than its window; CERTAOS_SCREENSHOTS names a folder for pictures."""
    assert overflow(page) <= 0, name
    if LOOKED_AT:
        page.screenshot(path=str(Path(LOOKED_AT) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("size", "language"), [(DESKTOP, "en"), (PHONE, "es")])
def test_a_file_is_brought_in_and_taken_back(
    world: World, open_page: Callable[..., Page], tmp_path: Path, size: dict[str, int], language: str
) -> None:
    """UX-08, CERT-W05."""
    named = {"Surname": "last_name", "First": "first_name", "Correo": "email", "Tel.": "phone", "Course": "kind",
             "Where": "court_id", "DOB": "birth_date", "SSN": "ssn_last4", "Chapter": "chapter",
             "341 date": "first_set_341_date", "Remark": ""}  # fmt: skip
    rows: list[dict[str, Any]] = [CLIENT, DEBTOR, CLIENT | {"email": "bad", "first_name": "Eva"}]
    told = [{header: row.get(column, "") if column else "A-17" for header, column in named.items()} for row in rows]
    file = tmp_path / "clients of may.csv"
    file.write_bytes(csv_file(*told))
    page = open_page(world.provider_admin_a, size=size, locale=f"{language}-US")
    page.goto(list_page(Enrollment, "import"))
    page.context.add_cookies([{"name": "django_language", "value": language, "url": page.url.partition("/console")[0]}])
    page.reload()
    look(page, f"{language}-1-file")
    page.set_input_files("input[type=file]", str(file))
    page.locator("form[enctype] button[type=submit]").click()
    expect(page.locator("select").first).to_be_visible()
    look(page, f"{language}-2-columns")
    page.get_by_label("Where").select_option("court_id")
    page.locator(".console-dialog form button[type=submit]").click()
    expect(page.locator(".console-counts")).to_be_visible()
    look(page, f"{language}-3-check")
    page.locator("button[name=leave_out]").click()
    expect(page.locator(".console-table tbody tr")).to_have_count(3)
    look(page, f"{language}-4-result")
    page.locator("a[href$='/do/undo/']").click()
    look(page, f"{language}-5-undo")
    page.locator("#dialog button[type=submit]").click()
    expect(page.locator(".console-record .console-pill")).to_be_visible()
    look(page, f"{language}-6-record")
    page.goto(list_page(type(world.import_run_a), "changelist"))
    look(page, f"{language}-7-list")
