"""Every page of the console, as every role: it answers, and reading writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from admin_site.site import console
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db

ROLES = ("platform_admin", "provider_admin_a", "attorney_a", "auditor")
# Every act and page of a record is asked for as these; the others open lists and records.
_THOROUGH = ("provider_admin_a", "attorney_a")
# Sessions and their activity are not the console's rows; a denial is kept on purpose.
_BOOKKEEPING = ("django_session", "usersessions_usersession", "audit_systemevent", "SAVEPOINT", "set_config")


def pages(model: type[models.Model], *, thorough: bool) -> Iterator[str]:
    """The list and, for one row, its record and history; `thorough`: every address that can be read."""
    yield addresses.listing(model)
    with as_system():
        rows = list(model._base_manager.all()[:1])
    admin = console.get_model_admin(model)
    for row in rows:
        yield addresses.record(row)
        yield addresses.record(row, "history")
        if not thorough:
            continue
        yield from (addresses.action(row, action.name) for action in admin.declared_actions())
        yield from (addresses.record(row, page.name) for page in admin.declared_pages() if page.detail)


def writes(queries: CaptureQueriesContext) -> list[str]:
    found = [query["sql"] for query in queries.captured_queries]
    verbs = ("INSERT", "UPDATE", "DELETE", "SELECT app.append_audit")
    return [sql for sql in found if sql.startswith(verbs) and not any(name in sql for name in _BOOKKEEPING)]


@pytest.mark.parametrize("role", ROLES)
def test_every_page_answers_and_reading_writes_nothing(world: World, client: Client, role: str) -> None:
    sign_in(client, getattr(world, role))
    seen: dict[int, int] = {}
    for model in console._registry:
        for address in pages(model, thorough=role in _THOROUGH):
            with CaptureQueriesContext(connection) as queries:
                response = client.get(address)
            assert response.status_code in {200, 302, 403, 404, 405}, address
            assert writes(queries) == [], address
            seen[response.status_code] = seen.get(response.status_code, 0) + 1
    assert seen[200] > 3


@pytest.mark.parametrize("role", ROLES)
def test_the_home_page_and_the_palette_answer(world: World, client: Client, role: str) -> None:
    sign_in(client, getattr(world, role))
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("admin:search"), {"s": "cli", "extended": 1}).status_code == 200


def test_a_visitor_is_sent_to_the_sign_in_page(client: Client) -> None:
    response = client.get(reverse("admin:index"), follow=True)
    assert response.redirect_chain[-1][0].startswith(reverse("account_login"))
    assert "next=%2Fconsole%2F" in response.redirect_chain[-1][0]


@pytest.mark.parametrize("name", ["client_user_a", "stranger"])
def test_who_is_no_staff_is_refused(world: World, client: Client, name: str) -> None:
    sign_in(client, getattr(world, name))
    assert client.get(reverse("admin:index"), follow=True).status_code == 403
