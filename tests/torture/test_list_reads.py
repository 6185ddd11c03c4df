"""A page of a list reads a page of rows: judged by what PostgreSQL says it read, not by time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from admin_site import counting, lists
from core.context import acting
from enrollments.models import Enrollment
from organizations.actors import load_actor
from tests.admin_site import addresses
from tests.bench.volume import pointed_at, world_of
from tests.database import as_system
from tests.factories.names import World
from tests.trials import Trial
from tests.web import sign_in

# Rows a statement may touch: a page, the same again for what is filtered away on the walk, and every badge's hundred.
MOST_READ = 2_500
PAGES = {
    "first": "", "last": "&p=last", "second": "&p=2", "status": "&status__exact=review", "course": "&kind__exact=DE",
    "waived": "&has_fee_waiver__exact=1", "provider": "&provider__id__exact={provider}",
    "firm": "&firm__id__exact={firm}", "name": "&o=1", "deadline": "&o=-5", "name, backwards": "&o=-1&p=last",
    "year": "&on=2025", "month": "&on=2025-03", "status in a month": "&status__exact=cancelled&on=2025-03",
    "common word": "&q=garcia", "rare word": "&q=maria.12", "two words": "&q=garcia+maria",
    "no word": "&q=nobodyhasthis",
}  # fmt: skip
PEOPLE = ("platform_admin", "provider_admin_a", "attorney_b", "provider_admin_b", "counselor_a", "two_hats")
ROWS = Trial.scale(fast=20_000, long=200_000)


def touched(plan: dict[str, Any]) -> int:
    """Rows that a plan read from tables, kept or thrown away."""
    here = 0
    if "Relation Name" in plan and not plan["Relation Name"].startswith(("django_", "auth_", "guardian_")):
        lost = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        here = round((plan["Actual Rows"] + lost) * plan["Actual Loops"])
    return here + sum(touched(part) for part in plan.get("Plans", ()))


def asked(browser: Client, address: str) -> list[str]:
    """The reading statements of one page."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    found = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in found if sql.startswith("SELECT") and "set_config" not in sql]


def greedy(statements: list[str], actor: Any) -> Iterator[tuple[int, str]]:
    """Those that touch too many rows, run again as the same person."""
    with acting(actor), connection.cursor() as cursor:
        for sql in statements:
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"))
            answer = cursor.fetchone()[0]
            plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
            if (read := touched(plan)) > MOST_READ:
                yield read, sql[:300]


def judged(world: World, person: str, pages: dict[str, str]) -> list[Any]:
    """What the pages of one person read too much of; nothing the requests write stays."""
    found = []
    names = {"provider": world.pk("provider_b"), "firm": world.pk("firm_b")}
    with transaction.atomic():
        with as_system():
            user = getattr(world, person)
            actor = load_actor(user)
        browser = sign_in(Client(), user)
        shown = {label: f"?density=normal{query.format(**names)}" for label, query in pages.items()}
        for label, query in (shown | {"counts on tabs": "views/counts/"}).items():
            counting._estimates.clear()
            statements = asked(browser, addresses.listing(Enrollment, query))
            found += [(person, label, *line) for line in greedy(statements, actor)]
        transaction.set_rollback(True)
    return found


@pytest.fixture(scope="module")
def place(volume: Callable[[int], str]) -> str:
    return volume(ROWS)


@pytest.fixture
def crowd(place: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Many rows, and a bound of counting that is to them what the real one is to millions: beyond it the planner's
    guess is shown."""
    monkeypatch.setattr(counting, "BOUND", 300)
    with pointed_at(place):
        yield world_of(place)


@pytest.mark.torture("Q-02")
def test_no_page_of_a_list_reads_more_than_a_page(trial: Trial, crowd: World) -> None:
    people = PEOPLE[: trial.scale(fast=3, long=len(PEOPLE))]
    found = [line for person in people for line in judged(crowd, person, PAGES)]
    trial.report(n=len(people) * (len(PAGES) + 1), violations=len(found), rows=ROWS, found=found[:5])


@pytest.mark.control("Q-02")
def test_a_list_that_counts_every_row_is_found_out(crowd: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"first": PAGES["first"]}
    assert not judged(crowd, "provider_admin_a", page)
    monkeypatch.setattr(counting, "BOUND", 10**9)
    assert judged(crowd, "provider_admin_a", page)


@pytest.mark.control("Q-02")
def test_an_order_that_no_index_walks_is_found_out(crowd: World, monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"by case number": "&cols=who&cols=case_number&o=2"}
    assert not judged(crowd, "provider_admin_a", page)
    monkeypatch.setattr(lists, "walk_of", lambda *_: ("id",))
    assert judged(crowd, "provider_admin_a", page)
