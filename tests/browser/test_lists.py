"""Lists in a real browser: ticking by mouse and by key."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, OpenPage
from tests.factories.names import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_ticked_lines_are_counted_and_all_can_be_ticked_at_once(world: World, open_page: OpenPage) -> None:
    """UX-02."""
    page = open_page(world.provider_admin_a, size=DESKTOP)
    page.goto("/console/enrollments/enrollment/?view=")
    lines = page.locator("input.action-select")
    expect(lines.first).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".action-counter")).to_contain_text("1 of")
    page.locator("#action-toggle").check()
    expect(page.locator(".action-counter")).to_contain_text(f"{lines.count()} of {lines.count()}")
