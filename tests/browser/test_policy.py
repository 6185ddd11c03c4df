"""N-08: no page of the journeys breaks the content security policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import DESKTOP, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", (event) => window.broken.push(event.violatedDirective));
"""
VISITOR = ("/", "/providers", "/provider-a/enroll", "/docs", "/accounts/login/", "/sign-up", "/verify/", "/es/")
CLIENT = (
    "/my/", "/account", "/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/",
    "/accounts/sessions/", "/accounts/email/", "/accounts/password/change/",
)  # fmt: skip
STAFF = (
    "/console/", "/console/accounts/user/", "/console/enrollments/enrollment/", "/console/payments/payment/",
    "/console/certificates/certificate/", "/console/organizations/organization/", "/console/jobs/job/",
)  # fmt: skip


def broken_on(page: Any, path: str) -> list[str]:
    """The directives that a page breaks once everything on it has run."""
    page.goto(path)
    page.wait_for_load_state("load")
    page.wait_for_timeout(150)
    return list(page.evaluate("window.broken"))


@pytest.mark.torture("N-08")
def test_no_page_breaks_its_policy(open_page: OpenPage, world: Any, trial: Any) -> None:
    journeys = ((None, VISITOR), (world.client_user_a, CLIENT), (world.platform_admin, STAFF))
    n, found = 0, {}
    for user, paths in journeys:
        page = open_page(user, size=DESKTOP)
        page.add_init_script(WATCH)
        for path in paths:
            n += 1
            if broken := broken_on(page, path):
                found[path] = broken
    trial.report(n=n, violations=len(found), found=found)


@pytest.mark.control("N-08")
def test_a_script_in_the_page_is_found_out(chromium: Any, site: str) -> None:
    page = chromium.new_context(base_url=site).new_page()
    page.add_init_script(WATCH)
    page.add_init_script(
        'document.addEventListener("DOMContentLoaded", () => {'
        ' const one = document.createElement("script"); one.textContent = "1"; document.body.append(one); });'
    )
    assert broken_on(page, "/") != []
