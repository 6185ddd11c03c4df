"""A page of a list reads a page of rows: judged by what PostgreSQL says it read, not by time."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from admin_site import counting
from core.context import acting
from enrollments.models import Enrollment
from organizations.actors import load_actor
from tests.admin_site import addresses
from tests.bench.volume import fill
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.trials import Trial
from tests.web import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

# Rows a statement may touch: a page, the same again for what is filtered away on the walk, and every badge's hundred.
MOST_READ = 2_500
PAGES = {
    "first": "", "last": "&p=last", "status": "&status__exact=review", "course": "&kind__exact=DE",
    "waived": "&has_fee_waiver__exact=1", "name": "&o=0", "deadline": "&o=4", "month": "&on=2025-03",
    "rare word": "&q=maria.12", "no word": "&q=nobodyhasthis",
}  # fmt: skip
PEOPLE = ("platform_admin", "provider_admin_a", "attorney_b")


def crowd(databases: Databases, world: World, rows: int) -> None:
    """Fill this test's database and let the planner know."""
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name)) as owner:
        fill(owner, rows, world)
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")


def touched(plan: dict[str, Any]) -> int:
    """Rows that a plan read from tables, kept or thrown away."""
    here = 0
    if "Relation Name" in plan and not plan["Relation Name"].startswith(("django_", "auth_", "guardian_")):
        lost = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        here = round((plan["Actual Rows"] + lost) * plan["Actual Loops"])
    return here + sum(touched(part) for part in plan.get("Plans", ()))


def greedy(browser: Client, actor: Any, page: str) -> list[tuple[str, int, str]]:
    """The statements of a page that touch too many rows."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(addresses.listing(Enrollment, f"?density=normal{page}")).status_code == 200
    found = []
    with acting(actor), connection.cursor() as cursor:
        for query in captured.captured_queries:
            sql = query["sql"]
            if not sql.startswith("SELECT") or "set_config" in sql:
                continue
            cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql.replace("%", "%%"))
            answer = cursor.fetchone()[0]
            plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
            if (read := touched(plan)) > MOST_READ:
                found.append((page, read, sql[:300]))
    return found


def judged(world: World, browser: Client, people: tuple[str, ...], pages: dict[str, str]) -> list[Any]:
    found = []
    for person in people:
        with as_system():
            user = getattr(world, person)
            actor = load_actor(user)
        sign_in(browser, user)
        for page in pages.values():
            counting._estimates.clear()
            found += greedy(browser, actor, page)
    return found


@pytest.fixture
def few_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small volume stands for a large one: beyond this many, the planner's guess is shown."""
    monkeypatch.setattr(counting, "BOUND", 300)


@pytest.mark.torture("Q-02", long=True)
def test_no_page_of_a_list_reads_more_than_a_page(
    trial: Trial, databases: Databases, world: World, client: Client, few_are_counted: None
) -> None:
    rows = trial.scale(fast=20_000, long=200_000)
    crowd(databases, world, rows)
    found = judged(world, client, PEOPLE, PAGES)
    trial.report(n=len(PEOPLE) * len(PAGES), violations=len(found), rows=rows, found=found[:5])


@pytest.mark.control("Q-02")
def test_a_list_without_its_index_is_found_out(
    trial: Trial, databases: Databases, world: World, client: Client, few_are_counted: None
) -> None:
    crowd(databases, world, 20_000)
    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as owner:
        for index in ("enrollment_by_name", "enrollment_name_provider", "enrollment_name_firm"):
            owner.execute(f"DROP INDEX {index}")
    assert judged(world, client, ("provider_admin_a",), {"name": PAGES["name"]})
