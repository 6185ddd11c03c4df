"""The course in a real Chromium: begin, time that counts, a check question, the test, and the gate with its numbers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from courses.models import CourseSession, LessonProgress
from courses.queries import outline
from tests.browser.conftest import DESKTOP, OpenPage, overflow
from tests.database import as_system

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(world: Any) -> str:
    return f"/course/{world.spouse_enrollment_a.pk}"


@pytest.fixture
def begin(open_page: OpenPage, world: Any, base: str) -> Callable[..., Page]:
    """Open the overview as the client and press Begin Course."""

    def begun(**options: Any) -> Page:
        page = open_page(world.spouse_user_a, **options)
        page.goto(base)
        page.get_by_role("button", name="Begin Course").click()
        page.wait_for_url(f"**{base}/study")
        return page

    return begun


def own_session(world: Any) -> CourseSession:
    with as_system():
        return CourseSession.objects.get(enrollment=world.spouse_enrollment_a)


def finish_lessons_but_one(world: Any) -> None:
    with as_system():
        session = CourseSession.objects.get(enrollment=world.spouse_enrollment_a)
        for place in outline(session).places[1:]:
            LessonProgress.objects.create(
                session=session, lesson=place.lesson, chosen=0, finished_at=session.opened_at
            )  # fmt: skip


def wind_back(world: Any, seconds: int) -> None:
    """Let the last sign of life be some seconds older."""
    with as_system():
        session = CourseSession.objects.get(enrollment=world.spouse_enrollment_a)
        earlier = session.last_seen_at - dt.timedelta(seconds=seconds)
        CourseSession.objects.filter(pk=session.pk).update(last_seen_at=earlier)


def test_a_client_studies_and_learns_what_is_missing(begin: Callable[..., Page], world: Any) -> None:
    """CERT-93, CERT-94, CERT-97, CERT-A12, CERT-A13"""
    page = begin()
    finish_lessons_but_one(world)
    wind_back(world, 60)
    page.get_by_role("link", name="Start: How this session works").click()
    expect(page.locator("#time-value")).to_have_text("1 of 60 minutes")
    expect(page.locator("#time-off")).to_be_hidden()
    assert 60 <= own_session(world).total_seconds <= 119

    page.get_by_label("After you have talked with a counselor").check()
    page.get_by_role("button", name="Send my answer").click()
    expect(page.get_by_text("That is right")).to_be_visible()

    page.get_by_role("link", name="All lessons").click()
    page.get_by_role("link", name="Take the test").click()
    page.get_by_role("button", name="Begin the test").click()
    with page.expect_response("**/test"):
        page.locator("fieldset").first.get_by_role("radio").first.check()
    expect(page.locator("#test-state")).to_have_text("Saved.")
    page.reload()
    expect(page.locator("fieldset").first.get_by_role("radio").first).to_be_checked()
    page.get_by_role("button", name="Look over my answers").click()
    expect(page.get_by_text("You answered 1 of 10 questions.")).to_be_visible()
    page.get_by_role("button", name="Hand in my answers").click()
    expect(page.get_by_text("You have not failed")).to_be_visible()

    page.get_by_role("link", name="See what comes next").click()
    expect(page.locator(".missing")).to_contain_text("of the 60 min of verified time")
    assert page.locator(".missing li").count() == 1


def test_a_quiet_page_asks_and_stops_counting_until_someone_moves(begin: Callable[..., Page]) -> None:
    """UX-30: after 90 seconds without a sign of life."""
    page = begin()
    page.clock.install()
    page.reload()
    expect(page.locator("#time-off")).to_be_hidden()
    page.clock.fast_forward(89_000)
    expect(page.locator("#time-idle")).to_be_hidden()
    page.clock.fast_forward(2_000)
    expect(page.locator("#time-idle")).to_be_visible()
    assert page.locator("#time-say").inner_text() == page.locator("#time-idle-text").inner_text()

    beats: list[str] = []
    page.on("request", lambda request: beats.append(request.url) if "heartbeat" in request.url else None)
    page.clock.fast_forward(60_000)
    assert beats == []
    with page.expect_request("**/api/course/heartbeat"):
        page.get_by_role("button", name="I’m still here").press("Enter")
    expect(page.locator("#time-idle")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_page_says_when_the_server_is_out_of_reach_and_recovers(begin: Callable[..., Page]) -> None:
    """UX-34"""
    page = begin()
    expect(page.locator("#time-off")).to_be_hidden()
    page.clock.install()
    page.route("**/api/course/heartbeat", lambda route: route.fulfill(status=404))
    page.reload()
    expect(page.locator("#time-off")).to_contain_text("We cannot reach the server")
    page.unroute("**/api/course/heartbeat")
    page.clock.fast_forward(11_000)
    expect(page.locator("#time-off")).to_be_hidden()


def test_a_session_about_to_end_is_announced_and_can_be_kept(begin: Callable[..., Page]) -> None:
    """UX-30: a minute before, more than the twenty seconds asked for."""
    page = begin()
    page.clock.install()
    page.reload()
    expect(page.locator("#time-off")).to_be_hidden()
    page.route("**/api/course/heartbeat", lambda route: route.fulfill(status=404))
    left = int(page.locator("#heartbeat").get_attribute("data-left") or 0)
    page.clock.fast_forward((left - 90) * 1000)
    expect(page.locator("#time-expiry")).to_be_hidden()
    page.clock.fast_forward(35_000)
    expect(page.locator("#time-expiry")).to_be_visible()
    page.unroute("**/api/course/heartbeat")
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#time-expiry")).to_be_hidden()


def test_without_javascript_the_course_works_and_says_that_time_stands(
    begin: Callable[..., Page], chromium: Any, site: str, base: str
) -> None:
    """UX-34"""
    state = begin().context.storage_state()
    context = chromium.new_context(base_url=site, java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(f"{base}/study")
    page.get_by_role("link", name="Start: How this session works").click()
    expect(page.get_by_text("Your time is not being counted right now")).to_be_visible(timeout=8000)
    page.locator("input[type=radio]").first.check()
    page.get_by_role("button", name="Send my answer").click()
    page.get_by_role("link", name="Next lesson").click()
    expect(page.get_by_text("Lesson 2 of 14")).to_be_visible()
    context.close()


@pytest.mark.parametrize("size", [{"width": 320, "height": 640}, DESKTOP], ids=["phone", "desktop"])
def test_every_page_of_the_player_fits_and_passes_axe(
    begin: Callable[..., Page], world: Any, base: str, size: dict[str, int]
) -> None:
    """UX-29, UX-33"""
    page = begin(size=size)
    found: dict[str, Any] = {}

    def look(path: str) -> None:
        for prefix in ("", "/es"):
            page.goto(prefix + path)
            page.evaluate("document.querySelectorAll('#heartbeat > .notice').forEach((n) => { n.hidden = false; })")
            violations = [violation["id"] for violation in Axe().run(page).response["violations"]]
            if overflow(page) > 0 or violations:
                found[prefix + path] = (overflow(page), violations)

    look(base)
    look(f"{base}/study")
    look(f"{base}/lessons/your-situation/how-this-session-works")
    page.goto(f"{base}/lessons/your-situation/how-this-session-works")
    page.locator("input[type=radio]").first.check()
    page.get_by_role("button", name="Send my answer").click()
    look(f"{base}/lessons/your-situation/how-this-session-works")
    with as_system():
        LessonProgress.objects.all().delete()
    finish_lessons_but_one(world)
    page.locator("input[type=radio]").first.check()
    page.get_by_role("button", name="Contestar otra vez").or_(
        page.get_by_role("button", name="Enviar mi respuesta")
    ).click()
    look(f"{base}/test")
    page.goto(f"{base}/test")
    page.get_by_role("button", name="Begin the test").click()
    look(f"{base}/test")
    look(f"{base}/test?step=check")
    page.goto(f"{base}/test?step=check")
    page.get_by_role("button", name="Hand in my answers").click()
    look(f"{base}/test")
    look(f"{base}/study")
    page.goto(f"{base}/study")
    page.get_by_role("button", name="Take a break").click()
    look(f"{base}/pause")

    assert found == {}
