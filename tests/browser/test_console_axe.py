"""Every list and record of the console, for each kind of staff, by axe in a real browser."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from admin_site.site import console
from tests.admin_site.addresses import adding, listing, record
from tests.browser.conftest import DESKTOP, OpenPage
from tests.database import as_system
from tests.factories.names import World
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ("platform_admin", "provider_admin_a", "counselor_a", "attorney_a")
SERIOUS = {"serious", "critical"}


def addresses() -> list[str]:
    """The front page, and for each record its list, its empty form and one filled form."""
    found = ["/console/"]
    for model in console._registry:
        found += [listing(model), adding(model)]
        with as_system():
            row = model._base_manager.first()
        if row is not None:
            found.append(record(row))
    return found


def offences(page: Any) -> list[str]:
    """What axe calls serious or critical on the page."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found if each["impact"] in SERIOUS]


@pytest.mark.torture("Q-12")
def test_every_page_of_the_console_is_accessible(open_page: OpenPage, world: World, trial: Trial) -> None:
    found: dict[str, list[str]] = {}
    seen = 0
    every = addresses()
    chosen = every if trial.scale(fast=0, long=1) else trial.random.sample(every, 6)
    for role in ROLES if trial.scale(fast=0, long=1) else ROLES[:1]:
        page = open_page(getattr(world, role), size=DESKTOP)
        for address in chosen:
            answer = page.request.get(address, max_redirects=0)
            if answer.status != 200 or "text/html" not in answer.headers.get("content-type", ""):
                continue
            page.goto(address)
            seen += 1
            if said := offences(page):
                found[f"{role} {address}"] = said

    assert found == {}
    trial.report(n=seen, violations=len(found))
