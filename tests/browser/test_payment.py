"""The fee in a real Chromium, against the fake card service's hosted page and a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from enrollments.enums import EnrollmentStatus
from payments.enums import PaymentStatus
from payments.models import Payment
from tests.browser.conftest import DESKTOP, PHONE, OpenPage, overflow
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import fresh, invited
from tests.processes import web_server, worker

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "whsec_for_the_browser"
PATIENCE = 60_000


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe(webhook_secret=SECRET) as running:
        yield running


def knobs(fake: FakeStripe) -> dict[str, str]:
    return {
        "STRIPE_SECRET_KEY": fake.api_key, "STRIPE_API_BASE": fake.url, "STRIPE_WEBHOOK_SECRET": SECRET,
    }  # fmt: skip


@pytest.fixture
def site(databases: Databases, transactional_db: None, fake: FakeStripe, tmp_path: Path) -> Iterator[str]:
    """The web, with the fake card service that also tells it what happens."""
    with web_server(databases, tmp_path, MAIL_FILE_DIR=str(tmp_path / "mail"), **knobs(fake)) as base:
        fake.sender.url = f"{base}/api/payments/stripe/webhook"
        yield base


def test_a_client_pays_by_card_and_comes_back_enrolled(
    open_page: OpenPage, world: World, databases: Databases, fake: FakeStripe, tmp_path: Path
) -> None:
    enrollment = invited(world)
    page = open_page(world.client_user_a)
    page.goto(f"/course/{enrollment.pk}")
    page.get_by_role("button", name="Pay $50.00 by card").click()
    page.wait_for_url(f"{fake.url}/c/pay/**")
    expect(page.get_by_test_id("amount")).to_have_text("$50.00")

    own = {"MAIL_FILE_DIR": str(tmp_path / "mail"), "WORKER_ACTOR_USER_ID": str(world.worker.pk)}
    with worker(databases, tmp_path, **own, **knobs(fake)):
        page.locator("button.main").click()
        expect(page.get_by_text("Your fee is paid. Thank you.")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_role("button", name="Begin Course")).to_be_visible()

    with as_system():
        payment = Payment.objects.get(enrollment=enrollment)
    assert (payment.status, fresh(enrollment).status) == (PaymentStatus.SUCCEEDED, EnrollmentStatus.ENROLLED)
    assert fake.totals(payment.payment_intent_id)["kept"] == 5000


def test_a_client_who_turns_back_has_paid_nothing(open_page: OpenPage, world: World, fake: FakeStripe) -> None:
    enrollment = invited(world)
    page = open_page(world.client_user_a)
    page.goto(f"/course/{enrollment.pk}")
    page.get_by_role("button", name="Pay $50.00 by card").click()
    page.wait_for_url(f"{fake.url}/c/pay/**")

    page.locator("button[value=cancel]").click()

    expect(page.get_by_role("button", name="Pay $50.00 by card")).to_be_visible()
    with as_system():
        assert Payment.objects.get(enrollment=enrollment).status == PaymentStatus.PENDING


def judged(page: Page) -> None:
    """Nothing sticks out, and no rule of accessibility is broken."""
    assert overflow(page) == 0
    found = Axe().run(page)
    assert [rule["id"] for rule in found.response["violations"]] == []


@pytest.mark.parametrize(("size", "prefix"), [(PHONE, ""), (DESKTOP, "/es")])
def test_the_waiver_is_asked_for_on_any_screen_and_without_a_mouse(
    open_page: OpenPage, world: World, size: dict[str, int], prefix: str
) -> None:
    enrollment = invited(world)
    page = open_page(world.client_user_a, size=size)
    page.goto(f"{prefix}/course/{enrollment.pk}")
    judged(page)
    page.locator(f"a[href$='/course/{enrollment.pk}/waiver']").click()
    judged(page)
    page.locator("#id_household_size").fill("3")
    page.keyboard.press("Tab")
    page.keyboard.type("1800")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{prefix}/course/{enrollment.pk}/waiver")

    expect(page.locator("form[action$='/waiver/withdraw'] button")).to_be_visible()
    judged(page)
