"""The enrollment list at a million rows: against itself at ten thousand, and against unfold's own list."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import pytest
from django.contrib.admin import ShowFacets
from django.db import connection, transaction
from django.test import Client
from django.test.client import RequestFactory
from django.test.utils import CaptureQueriesContext
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from core.context import acting
from enrollments.models import Enrollment
from organizations.actors import load_actor
from tests.admin_site import addresses
from tests.bench.results import compare, seconds
from tests.bench.volume import pointed_at, world_of
from tests.database import as_system
from tests.web import sign_in

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

BIG, SMALL, ROUNDS = 1_000_000, 10_000, 2
COLUMNS = (
    "cols=who&cols=kind&cols=status_pill&cols=next_act&cols=deadline&cols=paid&cols=provider_name&cols=created_at"
    "&cols=district&cols=case_number&cols=chapter&cols=language"
)
PAGES = {
    "first page": "",
    "last page": "&p=last",
    "filter: status": "&status__exact=review",
    "filter: course": "&kind__exact=DE",
    "filter: fee waived": "&has_fee_waiver__exact=1",
    "filter: provider": "&provider__id__exact={provider}",
    "filter: law firm": "&firm__id__exact={firm}",
    "sort: client": "&o=1",
    "sort: deadline": "&o=5",
    "dates: year": "&on=2025",
    "dates: day": "&on=2025-03-14",
    "search: common word": "&q=garcia",
    "search: rare word": "&q=maria.12",
    "search: two words": "&q=garcia+maria",
    "search: nothing": "&q=nobodyhasthis",
}


@pytest.fixture(scope="module")
def sizes(volume: Callable[[int], str]) -> dict[int, str]:
    return {size: volume(size) for size in (BIG, SMALL)}


class Place:
    """One database with a person signed in; everything done in it is rolled back."""

    def __init__(self, name: str, person: str) -> None:
        self.name = name
        self.person = person
        self.world = world_of(name)

    def __enter__(self) -> Self:
        self.stack = ExitStack()
        self.stack.enter_context(pointed_at(self.name))
        self.stack.enter_context(transaction.atomic())
        self.browser = sign_in(Client(), getattr(self.world, self.person))
        return self

    def __exit__(self, *_: object) -> None:
        transaction.set_rollback(True)
        self.stack.close()

    def show(self, query: str) -> bytes:
        filled = query.format(provider=self.world.pk("provider_b"), firm=self.world.pk("firm_b"))
        response = self.browser.get(addresses.listing(Enrollment, f"?{COLUMNS}{filled}"))
        assert response.status_code == 200
        return response.content


def rows_of(page: bytes) -> int:
    return page.count(b'<tr class="list-row"')


def quickest(place: Place) -> dict[str, tuple[float, int]]:
    """Seconds of the quickest round and rows of every page, after one unmeasured round; the pages take turns."""
    rows = {label: rows_of(place.show(query)) for label, query in PAGES.items()}
    taken: dict[str, list[float]] = {label: [] for label in PAGES}
    for _ in range(ROUNDS):
        for label, query in PAGES.items():
            taken[label].append(seconds(lambda query=query: place.show(query)))  # type: ignore[misc]  # -- a bound default
    return {label: (min(values), rows[label]) for label, values in taken.items()}


def best_of(halves: list[tuple[int, dict[str, tuple[float, int]]]], size: int, label: str) -> tuple[float, int]:
    return min(times[label] for measured_at, times in halves if measured_at == size)


@pytest.mark.parametrize("person", ["platform_admin", "provider_admin_a"])
def test_a_million_rows_cost_what_ten_thousand_do(
    sizes: dict[int, str], measured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    from admin_site.admin.enrollments import EnrollmentAdmin  # noqa: PLC0415 -- registers with the console first

    monkeypatch.setattr(EnrollmentAdmin, "list_per_page", 100)
    halves = []
    for size in (SMALL, BIG, BIG, SMALL) * 2:  # in turn: what slows the machine down slows both, the quickest count
        with Place(sizes[size], person) as place:
            halves.append((size, quickest(place)))
    for label in PAGES:
        (big, many), (small, few) = (best_of(halves, size, label) for size in (BIG, SMALL))
        against = f"{SMALL:,}"
        if few < many:  # The small volume does not fill this page: a page of as many rows is its first.
            small, few = best_of(halves, SMALL, "first page")
            against += " (first page, since this one has fewer rows there)"
        ratio = big / small
        measured(
            "Lists", f"{label}, {person}", ratio, goal="≤ 1.3×", held=ratio <= 1.3,
            basis=f"{big * 1000:.0f} ms for {many} rows at {BIG:,}, {small * 1000:.0f} ms for {few} at {against}",
        )  # fmt: skip


@pytest.mark.parametrize("person", ["platform_admin", "provider_admin_a"])
def test_the_page_is_small_and_asks_little(
    sizes: dict[int, str], measured: Callable[..., None], monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    from admin_site.admin.enrollments import EnrollmentAdmin  # noqa: PLC0415 -- registers with the console first

    monkeypatch.setattr(EnrollmentAdmin, "list_per_page", 100)
    with Place(sizes[BIG], person) as place:
        asked, weights = [], []
        for query in PAGES.values():
            place.show(query)
            with CaptureQueriesContext(connection) as captured:
                weights.append(len(place.show(query)))
            quiet = ("SAVEPOINT", "RELEASE", "set_config")
            asked.append(sum(not any(word in each["sql"] for word in quiet) for each in captured.captured_queries))
    measured("Lists", f"queries of a page, {person}", f"{max(asked)}", goal="≤ 8", held=max(asked) <= 8)
    heaviest = max(weights) / 1000
    measured("Lists", f"HTML of 100 rows, {person}", f"{heaviest:.0f} kB", goal="≤ 250 kB", held=heaviest <= 250)


class PlainAdmin(ModelAdmin):
    """What a plain registration gives: unfold's list with filters, search and dates, as its documentation shows."""

    list_display = (
        "client", "kind", "status", "has_fee_waiver", "de_filing_deadline", "provider", "district", "case_number",
        "chapter", "language", "delivery_method", "created_at",
    )  # fmt: skip
    list_filter = ("status", "kind", "has_fee_waiver", "provider", "firm")
    search_fields = ("client__last_name", "client__first_name", "client__email", "case_number")
    date_hierarchy = "created_at"
    list_per_page = 100
    show_facets = ShowFacets.ALLOW

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return True

    has_change_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request: Any) -> bool:
        return True

    has_module_permission = has_add_permission


@pytest.fixture
def plain() -> Callable[[Any, str], bytes]:
    """Unfold's own list of enrollments, on a site of its own."""
    site = UnfoldAdminSite(name="admin")
    admin = PlainAdmin(Enrollment, site)

    def show(user: Any, query: str) -> bytes:
        request = RequestFactory().get(f"/?{query}")
        request.user, request.session, request.actor = user, {}, user.actor  # type: ignore[assignment, attr-defined]  # -- as the middlewares do
        response = admin.changelist_view(request)
        return response.render().content

    return show


def test_unfolds_own_list_takes_many_times_as_long(
    sizes: dict[int, str], plain: Callable[[Any, str], bytes], measured: Callable[..., None], monkeypatch: Any
) -> None:
    from admin_site.admin.enrollments import EnrollmentAdmin  # noqa: PLC0415 -- registers with the console first

    monkeypatch.setattr(EnrollmentAdmin, "list_per_page", 100)
    with Place(sizes[BIG], "platform_admin") as place:
        with as_system():
            user = place.world.platform_admin
            user.actor = load_actor(user)
        works = (("last page", f"p={BIG // 100}", "&p=last"), ("search", "q=zelnor", "&q=zelnor"),
                 ("facets", "_facets=True&status__exact=review", "&status__exact=review"))  # fmt: skip
        for label, theirs, ours in works:

            def unfold(theirs: str = theirs) -> None:
                with acting(user.actor):
                    plain(user, theirs)

            ratio, mine, stock = compare(lambda ours=ours: place.show(ours), unfold, rounds=3)  # type: ignore[misc]  # -- a bound default
            measured(
                "Lists", f"{label} against unfold’s own list", 1 / ratio, goal="≥ 20×", held=1 / ratio >= 20,
                basis=f"{mine * 1000:.0f} ms against {stock * 1000:.0f} ms at {BIG:,} rows",
            )  # fmt: skip
