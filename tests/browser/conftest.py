"""A real Chromium against the real web server. A page that breaks the content security policy, logs an error or loads
something from elsewhere fails its test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import User
from tests.database import Databases
from tests.processes import web_server
from tests.web import sign_in

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 360, "height": 800}
DESKTOP = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests share one worker process, so that two browsers never fight over two cores."""
    for item in items:
        if "browser" in item.nodeid.split("/")[1:2]:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(path).exists():
        pytest.skip("NO CHROMIUM ON THIS MACHINE: the browser journeys were not tested.")
    # Playwright keeps an event loop in this thread; the tests' own queries still come one after the other.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(databases: Databases, transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The base address of the web on this test's database."""
    with web_server(
        databases, tmp_path, MAIL_FILE_DIR=str(tmp_path / "mail"), FILES_DIR=str(tmp_path / "files")
    ) as base:
        yield base


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, site: str) -> Iterator[OpenPage]:
    """`open_page(user=None, size=PHONE)` gives a page, signed in as `user`; its faults are judged at the end."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(user: User | None = None, *, size: dict[str, int] | None = None, locale: str = "en-US") -> Page:
        context = chromium.new_context(base_url=site, viewport=size or PHONE, locale=locale)  # type: ignore[arg-type]  # -- a plain dict serves
        contexts.append(context)
        if user is not None:
            key = sign_in(Client(), user).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": site}])
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _judge_address(request.url, site, faults))
        return page

    yield opened
    for context in contexts:
        context.close()
    expected = "the server responded with a status of 4"
    assert [fault for fault in faults if expected not in fault] == []


def _judge_address(url: str, site: str, faults: list[str]) -> None:
    if not url.startswith((site, "data:", "blob:", "http://127.0.0.1:")):
        faults.append(f"Loaded from elsewhere: {url}")


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
