"""What row security costs beside the ORM's own condition: the same pages as the app's role and as one that skips it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from enrollments.models import Enrollment
from tests.admin_site import addresses
from tests.bench.results import seconds
from tests.bench.test_lists import BIG, COLUMNS, Place
from tests.database import as_system

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = 25
PEOPLE = ("platform_admin", "provider_admin_a", "attorney_a")


def without_row_security(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same work while no table asks its policies: only the condition of the queryset is left."""

    def relieved() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE; SET ROLE bench_bypass")
        try:
            return work()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET ROLE; SET ROLE app_web")

    return relieved


@pytest.fixture
def bypass(databases: Any, volume: Callable[[int], str]) -> Any:
    """A role that may do what app_web may and skips row security; it is gone after the bench."""
    import psycopg  # noqa: PLC0415 -- used by this fixture alone

    name = volume(BIG)
    with psycopg.connect(databases.cluster.superuser_dsn(name), autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS bench_bypass")
        owner.execute("CREATE ROLE bench_bypass NOLOGIN BYPASSRLS")
        owner.execute("GRANT app_web TO bench_bypass WITH INHERIT TRUE")
        owner.execute("GRANT bench_bypass TO app_test WITH INHERIT FALSE, SET TRUE")
        yield name
        owner.execute("DROP ROLE bench_bypass")


@pytest.mark.parametrize("person", PEOPLE)
def test_both_nets_against_one(bypass: str, measured: Callable[..., None], monkeypatch: Any, person: str) -> None:
    from admin_site.admin.enrollments import EnrollmentAdmin  # noqa: PLC0415 -- registers with the console first

    monkeypatch.setattr(EnrollmentAdmin, "list_per_page", 100)
    with Place(bypass, person) as place:
        with as_system():
            row = place.world.invited_a
        pages = {
            "list": addresses.listing(Enrollment, f"?{COLUMNS}"),
            "list, last page": addresses.listing(Enrollment, f"?{COLUMNS}&p=last"),
            "list, filter": addresses.listing(Enrollment, f"?{COLUMNS}&status__exact=review"),
            "record page": addresses.record(row),
        }
        for label, address in pages.items():

            def show(address: str = address) -> None:
                assert place.browser.get(address).status_code == 200

            relieved = without_row_security(show)
            show(), relieved()
            pairs = [(seconds(show), seconds(relieved)) for _ in range(ROUNDS)]
            both, one = (statistics.median(side) for side in zip(*pairs, strict=True))
            limit = 1.03 if label == "record page" else 1.10
            measured(
                "Nets", f"{label}, {person}", both / one, goal=f"≤ {limit:.2f}×", held=both / one <= limit,
                basis=f"{both * 1000:.1f} ms with both nets, {one * 1000:.1f} ms with the ORM’s alone",
            )  # fmt: skip
