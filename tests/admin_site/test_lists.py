"""Lists: budgets over every registered list, pages that join up, words that find what a slow reference finds."""

from __future__ import annotations

import random
import re
import string
import unicodedata
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Q
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admin_site import counting, paging
from admin_site.columns import name_of
from admin_site.drill import Span, narrower, read_span
from admin_site.lists import ScopedRelatedFilter
from admin_site.paging import beyond, branches_of, keys_of, top, unscoped, values_of
from admin_site.site import console
from core.context import acting
from core.search import find, ids_with
from enrollments.models import Client, Enrollment
from organizations.actors import load_actor
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.factories.world import _grant
from tests.web import sign_in

pytestmark = pytest.mark.django_db

BUDGET = 8
# Households show their members, who come in a query of their own; above downtimes stands what is watched now;
# imports offer the kinds there are; below money stands its sum.
PREFETCHED = {"Household": 1, "Downtime": 3, "ImportRun": 1, "Payment": 1, "Refund": 1}
VIEW = "enrollments.view_enrollment"


def registered() -> list[type[models.Model]]:
    return sorted(console._registry, key=lambda model: model._meta.label)


def statements(browser: Browser, address: str) -> list[str]:
    """What a page asks the database, without savepoints and settings of the transaction."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(address).status_code == 200
    quiet = ("SAVEPOINT", "RELEASE", "set_config")
    return [query["sql"] for query in captured.captured_queries if not any(word in query["sql"] for word in quiet)]


@pytest.fixture
def crowd(world: World) -> None:
    """More rows for Provider A than a short page holds."""
    with as_system():
        for number in range(6):
            client = cases.make_client(world.provider_a, first_name=f"Ana{number}", last_name=f"Zúñiga-Ruiz {number}")
            cases.make_enrollment(client)


@pytest.mark.parametrize("model", registered(), ids=lambda model: model.__name__)
def test_every_list_stays_within_its_budget(world: World, client: Browser, model: type[models.Model]) -> None:
    """UX-01: whoever looks, however many rows."""
    sign_in(client, world.platform_admin)
    statements(client, addresses.listing(model))
    asked = statements(client, addresses.listing(model))
    assert len(asked) <= BUDGET + PREFETCHED.get(model.__name__, 0), "\n".join(asked)


def test_more_rows_cost_no_more_queries(world: World, client: Browser, crowd: None) -> None:
    sign_in(client, world.provider_admin_a)
    every = "?" + "&".join(
        f"cols={name_of(column)}" for column in console.get_model_admin(Enrollment).every_column(None)
    )
    statements(client, addresses.listing(Enrollment, every))
    few = len(statements(client, addresses.listing(Enrollment, every + "&q=zuniga")))
    many = len(statements(client, addresses.listing(Enrollment, every)))
    assert few <= BUDGET + 3
    assert many <= BUDGET + 1


# --- pages ------------------------------------------------------------------------------------------------------------
ORDERS = (
    ("-created_at", "id"),
    ("de_filing_deadline", "id"),
    ("-de_filing_deadline", "-id"),
    ("status", "-created_at"),
)


def walk(rows: Any, branches: Any, keys: Any, size: int, walked: Any = None) -> Iterator[Any]:
    page = list(top(rows, branches, keys, limit=size, walked=walked))
    while page:
        yield from page
        rest = beyond(keys, values_of(page[-1], keys))
        ways = [branch & part for branch in branches for part in rest]
        page = list(top(rows, ways, keys, limit=size, walked=walked))


@pytest.mark.parametrize("person", ["platform_admin", "provider_admin_a", "two_hats", "attorney_a", "auditor"])
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order[0])
def test_pages_put_together_are_the_whole_list(world: World, crowd: None, person: str, order: tuple[str, ...]) -> None:
    with as_system():
        actor = load_actor(getattr(world, person))
    with acting(actor):
        rows = Enrollment.objects.permitted_to(actor, VIEW)
        keys = keys_of(Enrollment, order)
        whole = [row.pk for row in rows.order_by(*(key.order() for key in keys))]
        branches = branches_of(Enrollment, actor, VIEW)
        walked = unscoped(rows, actor, VIEW) if all(branches) else None
        for size in (1, 3, 50):
            assert [row.pk for row in walk(rows, branches, keys, size, walked)] == whole
            backwards = [key.reversed() for key in keys]
            assert [row.pk for row in walk(rows, branches, backwards, size, walked)] == whole[::-1]
    assert whole


def test_a_page_judges_again_what_a_walk_came_by(world: World) -> None:
    """With row security out of the way: a walk along every row gives no row that the scope leaves out."""
    with as_system():
        actor = load_actor(world.provider_admin_a)
        rows = Enrollment.objects.permitted_to(actor, VIEW)
        astray = unscoped(rows, actor, VIEW)
        keys = keys_of(Enrollment, ("-created_at", "id"))
        assert astray.count() > rows.count()
        assert set(top(rows, [Q()], keys, limit=500, walked=astray)) == set(rows)


def test_a_column_is_sorted_as_its_index_goes_on(world: World, client: Browser) -> None:
    """Downwards the other way round, and not at all where nothing walks it."""
    sign_in(client, world.platform_admin)

    def order(asked: str) -> list[str]:
        shown = client.get(addresses.listing(Enrollment, f"?{asked}")).context["cl"]
        return [f"{'-' if key.descending else ''}{getattr(key.expression, 'name', 'name')}" for key in shown.keys]

    assert order("o=5") == ["de_filing_deadline", "pk"]
    assert order("o=-5.1") == ["-de_filing_deadline", "-pk"]
    assert order("o=3") == ["status", "-created_at", "pk"]
    assert order("o=-3") == ["-status", "created_at", "-pk"]
    assert order("cols=who&cols=case_number&o=2") == order("") == ["-created_at", "pk"]


def test_rows_added_meanwhile_neither_repeat_nor_push_out_a_row(world: World, crowd: None) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
        before = set(Enrollment.objects.permitted_to(actor, VIEW).values_list("pk", flat=True))
    keys, seen = keys_of(Enrollment, ("-created_at", "id")), []
    branches = branches_of(Enrollment, actor, VIEW)
    with acting(actor):
        for row in walk(Enrollment.objects.permitted_to(actor, VIEW), branches, keys, 2):
            seen.append(row.pk)
            if len(seen) % 2:
                with as_system():
                    cases.make_enrollment(world.client_a)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_the_pager_leads_through_the_whole_list_and_back(
    world: World, client: Browser, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(console.get_model_admin(Enrollment)), "list_per_page", 4)
    sign_in(client, world.provider_admin_a)
    address, pages = addresses.listing(Enrollment), []
    while address:
        cl = client.get(address).context["cl"]
        pages.append([row.pk for row in cl.result_list])
        following = cl.turns()[-2].address
        address = addresses.listing(Enrollment) + following if following else ""
    whole = [pk for page in pages for pk in page]
    assert len(whole) == len(set(whole)) == cl.count.number > 8
    back = [pages[-1]]
    while cl.turns()[1].address:
        cl = client.get(addresses.listing(Enrollment) + cl.turns()[1].address).context["cl"]
        back.append([row.pk for row in cl.result_list])
    assert [pk for page in reversed(back) for pk in page] == whole
    last = client.get(addresses.listing(Enrollment, "?p=last")).context["cl"]
    assert [row.pk for row in last.result_list] == pages[-1]


@pytest.mark.parametrize("query", ["after=nonsense", "before=AAAA", "p=-3", "p=99999999999", "on=20x", "density=<b>"])
def test_a_broken_address_shows_the_list(world: World, client: Browser, query: str) -> None:
    sign_in(client, world.provider_admin_a)
    assert client.get(addresses.listing(Enrollment, f"?{query}")).status_code == 200


def test_a_cursor_of_another_order_is_not_taken(world: World) -> None:
    cursor = paging.cursor_for(["x"], binding="list|one")
    assert paging.read_cursor(cursor, binding="list|one") == ["x"]
    with pytest.raises(paging.BadCursor):
        paging.read_cursor(cursor, binding="list|other")


# --- counts -----------------------------------------------------------------------------------------------------------
def test_a_long_list_says_about_how_many_rows_it_has(
    world: World, client: Browser, crowd: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "BOUND", 3)
    monkeypatch.setattr(console.get_model_admin(Enrollment), "list_per_page", 5)
    counting._estimates.clear()
    sign_in(client, world.provider_admin_a)
    page = client.get(addresses.listing(Enrollment))
    cl = page.context["cl"]
    assert not cl.count.is_exact
    assert str(cl.count).startswith(("about ", "more than "))
    assert str(cl.count) in page.content.decode()


def test_a_short_list_is_counted_exactly(world: World, client: Browser, crowd: None) -> None:
    counting._estimates.clear()
    sign_in(client, world.attorney_a)
    with as_system():
        mine = Enrollment.objects.permitted_to(load_actor(world.attorney_a), VIEW).count()
    assert client.get(addresses.listing(Enrollment)).context["cl"].count == counting.Count(mine)


# --- words ------------------------------------------------------------------------------------------------------------
PUNCTUATION = ".-@'_,/&()+\""


def plain(text: str) -> str:
    folded = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not "\u0300" <= sign <= "\u036f")
    return folded.lower()


def words_of(enrollment: Enrollment) -> set[str]:
    client = enrollment.client
    numbers = " ".join(certificate.number for certificate in enrollment.certificates.all())
    text = plain(
        f"{client.first_name} {client.last_name} {client.email} {client.phone} {enrollment.case_number} {numbers}"
    )
    return set(text.split()) | set(text.translate(str.maketrans(dict.fromkeys(PUNCTUATION, " "))).split())


def slowly(rows: Any, text: str) -> set[uuid.UUID]:
    """What a person would expect, row by row."""
    sought = [word.strip(string.punctuation) for word in plain(text).split()]
    sought = [word for word in sought if word][:6]
    return {
        row.pk for row in rows
        if sought and all(any(have.startswith(word) for have in words_of(row)) for word in sought)
    }  # fmt: skip


@pytest.fixture
def people(world: World, crowd: None) -> list[Any]:
    """Actors of every kind, among them those of the other tenant, which has the same names."""
    with as_system():
        for number in range(3):
            client = cases.make_client(world.provider_b, first_name=f"Ana{number}", last_name=f"Zúñiga-Ruiz {number}")
            cases.make_enrollment(client, "DE")
        names = ("platform_admin", "provider_admin_a", "counselor_b", "attorney_a", "two_hats", "auditor", "stranger")
        return [load_actor(getattr(world, name)) for name in names]


def disagreements(actors: list[Any], texts: list[str]) -> list[tuple[str, str]]:
    """Where the index of words and the slow reference differ, or a row out of sight is found."""
    found = []
    for actor in actors:
        with as_system():
            permitted = Enrollment.objects.permitted_to(actor, VIEW)
            expected = {text: slowly(permitted.select_related("client"), text) for text in texts}
        with acting(actor):
            for text in texts:
                got = set(find(Enrollment.objects.permitted_to(actor, VIEW), text).values_list("pk", flat=True))
                if got != expected[text]:
                    found.append((actor.label, text))
    return found


def some_words(dice: random.Random, count: int) -> list[str]:
    with as_system():
        rows = list(Enrollment.objects.select_related("client"))
        pool = sorted(word for row in rows for word in words_of(row))
    texts = ["zuniga", "ZÚÑIGA ana1", "ana zuniga-ru", "o'x", "%", "_", "'", "\\", "a:*", "(", "& |", "", " "]
    for _ in range(count):
        chosen = dice.choices(pool, k=dice.choice((1, 1, 2, 3)))
        texts.append(" ".join(word[: dice.randint(1, len(word))] for word in chosen))
    return texts


def test_words_find_what_a_slow_reference_finds(people: list[Any]) -> None:
    assert disagreements(people, some_words(random.Random(4), 40)) == []


def test_common_words_are_found_while_walking(people: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With more matches than are collected, the words are judged row by row: the same rows are found."""
    monkeypatch.setattr("core.search.MOST", 1)
    assert disagreements(people, ["zuniga", "ana", "example"]) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_no_text_breaks_the_search(world: World, text: str) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor):
        list(find(Enrollment.objects.permitted_to(actor, VIEW), text)[:5])


def test_the_search_itself_gives_no_foreign_row(world: World, people: list[Any]) -> None:
    """The function in the database, asked directly: its scope is its own, not the queryset's."""
    for name, model in (("provider_admin_a", Client), ("attorney_a", Enrollment), ("client_user_a", Enrollment)):
        with as_system():
            actor = load_actor(getattr(world, name))
        with acting(actor):
            found = set(ids_with(model, "a").ids)
        with as_system():
            homes = set(actor.organization_ids)
            rows = model.objects.filter(pk__in=found)
            assert all({row.provider_id, row.firm_id} & homes for row in rows)


def test_a_new_name_and_a_certificate_number_are_found_at_once(world: World) -> None:
    with as_system():
        client = world.firm_client_a
        client.last_name = "Quetzalcoatl"
        client.save(update_fields=["last_name", "updated_at"])
        actor = load_actor(world.attorney_a)
        number = world.certificate_a.number
    with acting(actor):
        rows = Enrollment.objects.permitted_to(actor, VIEW)
        assert {row.client_id for row in find(rows, "quetz")} == {client.pk}
        assert [row.pk for row in find(rows, number)] == [world.certified_a.pk]


# --- dates ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["2024", "2024-02", "2024-02-29"])
def test_a_span_reads_as_it_writes(text: str) -> None:
    span = read_span(text)
    assert span is not None
    assert span.text == text
    assert span.first < span.after


@pytest.mark.parametrize("text", ["", "24", "2024-13", "2024-02-30", "1066", "2024-2-1", "abcd"])
def test_no_other_text_is_a_span(text: str) -> None:
    assert read_span(text) is None


def test_a_span_offers_only_what_lies_within_the_bounds() -> None:
    first, last = read_span("2024-11-29").first, read_span("2026-02-03").first  # type: ignore[union-attr]  # -- both are spans
    assert [span.text for span in narrower(None, first, last)] == ["2026", "2025", "2024"]
    assert [span.text for span in narrower(read_span("2024"), first, last)] == ["2024-11", "2024-12"]
    assert [span.text for span in narrower(read_span("2026-02"), first, last)] == [f"2026-02-0{n}" for n in (1, 2, 3)]
    assert narrower(Span(first, 3), first, last) == []


# --- the page itself --------------------------------------------------------------------------------------------------
def test_nothing_yet_nothing_matching_and_nothing_allowed_look_different(world: World, client: Browser) -> None:
    """UX-05."""
    sign_in(client, world.provider_admin_a)
    unmatched = client.get(addresses.listing(Enrollment, "?q=nobodyhasthis")).content.decode()
    assert "Nothing matches" in unmatched
    assert "Clear filters" in unmatched
    from certificates.models import CgsNumber  # noqa: PLC0415 -- used by this test alone

    with as_system():
        CgsNumber.objects.all().delete()
    empty = client.get(addresses.listing(CgsNumber)).content.decode()
    assert "Nothing yet" in empty
    assert "Nothing matches" not in empty


def test_a_related_filter_offers_what_is_in_sight_while_typing(world: World, client: Browser) -> None:
    sign_in(client, world.provider_admin_a)
    address = addresses.listing(Enrollment) + "options/provider/"
    assert [option["text"] for option in client.get(address, {"q": "prov"}).json()["options"]] == ["Provider A"]
    assert client.get(address, {"q": "provider b"}).json() == {"options": []}
    assert client.get(addresses.listing(Enrollment) + "options/client/").status_code == 404


def related_filters() -> list[tuple[type[models.Model], str]]:
    """Every filter by a related row that a list of the console has."""
    return [
        (model, entry[0])
        for model in registered()
        for entry in console.get_model_admin(model).list_filter
        if isinstance(entry, tuple) and issubclass(entry[1], ScopedRelatedFilter)
    ]


@pytest.mark.parametrize(
    ("model", "path"), related_filters(), ids=lambda part: part if isinstance(part, str) else part.__name__
)
def test_a_related_filter_leaves_exactly_its_own_rows(
    world: World, client: Browser, model: type[models.Model], path: str
) -> None:
    """For every value that is there, and for one that no row has."""
    with as_system():
        rows = model._base_manager.all()
        values = list(rows.exclude(**{path: None}).order_by().values_list(path, flat=True).distinct())
        wanted = {
            value: {str(pk) for pk in rows.filter(**{path: value}).values_list("pk", flat=True)} for value in values
        }
    sign_in(client, world.platform_admin)
    shown = {}
    absent = uuid.uuid4()
    for value in (*values, absent):
        page = client.get(addresses.listing(model, f"?{path}__id__exact={value}")).content.decode()
        shown[value] = set(re.findall(r'<tr class="list-row" data-pk="([^"]+)"', page))
    assert shown == wanted | {absent: set()}
    assert values, "no row to narrow to"


def test_a_firm_finds_each_of_its_enrollments_whoever_the_client_came_through(world: World, client: Browser) -> None:
    """The client's row may be another's: the enrollment is still the firm's own, in list, record and household."""
    with as_system():
        strange = cases.make_client(world.provider_a, first_name="Olga", last_name="Otherwise")
        theirs = cases.make_enrollment(strange, firm=world.firm_a)
        household = cases.make_household(theirs)
        actor = load_actor(world.attorney_a)
        mine = set(Enrollment.objects.permitted_to(actor, VIEW).values_list("pk", flat=True))
    assert {theirs.pk, world.invited_a.pk, world.certified_a.pk} <= mine
    sign_in(client, world.attorney_a)
    page = client.get(addresses.listing(Enrollment)).content.decode()
    assert set(re.findall(r'<tr class="list-row" data-pk="([^"]+)"', page)) == {str(pk) for pk in mine}
    assert "Firmclient A" in page
    assert page.count("Client not shared with you") == 2
    assert "Otherwise" not in page
    record = client.get(addresses.record(theirs))
    assert record.status_code == 200
    assert "Client not shared with you" in record.content.decode()
    assert "Client not shared with you" in client.get(addresses.record(household)).content.decode()


def test_who_was_given_one_enrollment_finds_it_without_its_client(world: World) -> None:
    with as_system():
        _grant(world.stranger, world.studying_a, VIEW)
        actor = load_actor(world.stranger)
    with acting(actor):
        (found,) = Enrollment.objects.permitted_to(actor, VIEW).joined("client", "district")
        assert found.pk == world.studying_a.pk
        assert found.client_name == "Client not shared with you"
        assert found.district.pk
