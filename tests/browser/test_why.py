"""The console's "why can't I?" in a real browser."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.admin_site import addresses
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, overflow
from tests.factories.names import World

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_a_disabled_action_leads_to_its_reason(world: World, open_page: OpenPage, size: dict[str, int]) -> None:
    """UX-28, UX-33."""
    page = open_page(world.provider_admin_a, size=size)
    page.goto(addresses.record(world.invited_a))
    page.locator(".console-blocked summary").click()
    page.locator(".console-blocked a").first.click()
    assert page.locator(".console-answer").is_visible()
    assert overflow(page) <= 0
    page.fill("input[name=person]", world.counselor_a.email)
    page.select_option("select[name=act]", "certificates.certificate:revoke")
    page.fill("input[name=record]", str(world.certificate_a.pk))
    page.get_by_role("button", name="Explain").click()
    assert "“Counselor” does not include this" in page.locator(".console-answer").inner_text()
    assert overflow(page) <= 0
    serious = [found["id"] for found in Axe().run(page).response["violations"] if found["impact"] == "critical"]
    assert serious == []
