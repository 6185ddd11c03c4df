"""A passkey is made, signs in alone and proves the second step, with a device that Chromium plays."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.accounts.factors import factors_of
from tests.browser.conftest import PHONE
from tests.factories.people import PASSWORD
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
DEVICE = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def test_a_passkey_is_made_and_signs_in_with_and_without_the_password(chromium: Any, site: str, world: Any) -> None:
    user, base = world.client_user_a, site.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=base, viewport=PHONE)
    key = sign_in(Client(), user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": base}])
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})

    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_role("button", name="Make the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    assert page.locator(".codes li").count() == 10
    assert factors_of(user) == ["recovery_codes", "webauthn"]

    context.clear_cookies()
    page.goto("/accounts/login/?next=/account")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda address: "/accounts/login" not in address)
    page.goto("/account")
    assert user.email in page.content()

    context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/2fa/authenticate/")
    page.goto("/account")
    assert "authenticate" in page.url
    page.goto("/accounts/2fa/authenticate/")
    page.get_by_role("button", name="Use the passkey").click()
    page.wait_for_url(lambda address: "authenticate" not in address)
    page.goto("/account")
    assert user.email in page.content()
    context.close()
