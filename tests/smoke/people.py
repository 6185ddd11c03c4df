"""The four people, and how anyone uses a page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, Page, Response

PATIENCE = 60_000


class Visitor:
    """Somebody with a browser of their own. Every answer of 500 and above, and every fault of a script, is kept."""

    def __init__(self, browser: Browser, base_url: str, name: str) -> None:
        self.name = name
        self.faults: list[str] = []
        self.context = browser.new_context(base_url=base_url, locale="en-US", accept_downloads=True)
        self.context.set_default_timeout(PATIENCE)
        self.page: Page = self.context.new_page()
        self.page.on("response", self._judge)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.name}: {error}"))

    def _judge(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{self.name}: {response.status} {response.request.method} {response.url}")

    # --- moving about -----------------------------------------------------------------------------------------------
    def visit(self, path: str) -> None:
        """Open a page that must answer well."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status < 400, f"{path} answers {answer.status}: {self.text()[:300]}"

    def text(self) -> str:
        return self.page.locator("body").inner_text()

    def sees(self, words: str) -> None:
        assert words in self.text(), f"{self.name} does not see “{words}” on {self.page.url}:\n{self.text()[:1500]}"

    def press(self, words: str) -> None:
        """Press the button or follow the link of the page's own part with these words; wait for the page after it."""
        pattern, main = re.compile(re.escape(words)), self.page.locator("main")
        target = main.get_by_role("button", name=pattern).or_(main.get_by_role("link", name=pattern))
        with self.page.expect_navigation():
            target.first.click()

    def fill(self, **values: Any) -> None:
        """Fill fields by their names: True ticks a box, a list chooses several, a select gets its value."""
        for name, value in values.items():
            field = self.page.locator(f'[name="{name}"]:not([type="hidden"])')
            if value is True:
                field.first.check()
            elif isinstance(value, list) and field.first.get_attribute("type") == "checkbox":
                for each in value:
                    self.page.locator(f'[name="{name}"][value="{each}"]').check()
            elif field.first.evaluate("element => element.tagName") == "SELECT":
                field.first.select_option(value)
            else:
                field.first.fill(value)

    def choose_first(self, name: str) -> None:
        """Tick the first radio button of that name."""
        self.page.locator(f'[name="{name}"]').first.check()

    def until(self, what: str, ready: Callable[[], bool], *, seconds: float = 90, reload: bool = True) -> None:
        """Look again, reloading the page, until `ready` says so."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < deadline, f"{self.name} waited for {what} in vain:\n{self.text()[:1500]}"
            time.sleep(1)
            if reload:
                self.page.reload()

    # --- logging in -------------------------------------------------------------------------------------------------
    def sign_in(self, email: str, password: str, then: str) -> None:
        self.visit(f"/accounts/login/?next={then}")
        self.fill(login=email, password=password)
        self.press("Sign in")
        assert then in self.page.url, f"{email} did not get to {then} but to {self.page.url}:\n{self.text()[:800]}"

    def sign_up(self, link: str, password: str, **names: str) -> None:
        """Follow an invitation and choose a password."""
        self.visit(link)
        if "/sign-up" not in self.page.url:
            self.page.locator('a[href*="sign-up"]').first.click()
        self.page.wait_for_selector('[name="password1"]')
        self.fill(**names, password1=password)
        with self.page.expect_navigation():
            self.page.locator('form:has([name="password1"]) button[type="submit"]').first.click()
        assert "/sign-up" not in self.page.url, f"{self.name} could not sign up:\n{self.text()[:1000]}"

    # --- the console ------------------------------------------------------------------------------------------------
    def open_record(self, model: str, search: str) -> None:
        """Find one record of `app/model` in its list and open it."""
        self.visit(f"/console/{model}/?q={search}")
        self.page.locator(f'#result_list a[href*="/{model}/"][href*="/change/"]').first.click()
        self.page.wait_for_url(re.compile(r"/change/"))

    def act(self, action: str, **values: Any) -> None:
        """Use an action of the open record: its dialog asks, the button does it."""
        record = self.page.url.split("/change/")[0]
        self.visit(f"{record}/do/{action}/")
        self.fill(**values)
        with self.page.expect_navigation():
            self.page.locator("#dialog button[type=submit]").click()
        assert "/change/" in self.page.url, f"{action} was refused:\n{self.text()[:1500]}"

    def save_record(self, **values: Any) -> None:
        self.fill(**values)
        with self.page.expect_navigation():
            self.page.locator('[name="_save"], [name="_continue"]').first.click()
        assert not self.page.locator(".errornote").count(), f"The record was not saved:\n{self.text()[:2000]}"
