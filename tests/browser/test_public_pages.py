"""Public pages in a real browser: nothing overflows at 320 px, nothing offends axe, nothing breaks the policy."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import OpenPage, overflow

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = (
    "/", "/docs", "/providers", "/provider-a/enroll", "/become-a-provider", "/sign-up", "/accounts/login/", "/verify/",
    "/accounts/password/reset/",
)  # fmt: skip


def test_public_pages_fit_a_small_phone_and_pass_axe_in_both_languages(open_page: OpenPage) -> None:
    """UX-29, UX-33."""
    page = open_page(size={"width": 320, "height": 700})
    found = {}
    for prefix in ("", "/es"):
        for path in PATHS:
            answer = page.goto(prefix + path)
            violations = [violation["id"] for violation in Axe().run(page).response["violations"]]
            if answer is None or answer.status != 200 or overflow(page) > 0 or violations:
                found[prefix + path] = (answer and answer.status, overflow(page), violations)

    assert found == {}
