"""Queries that pages cost: the same for one row and for three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.test.client import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from admin_site.dashboard import QUEUES, boards
from admin_site.timeline import timeline
from core.context import acting
from enrollments.models import Enrollment
from files.models import StoredFile
from jobs.models import Job
from notifications.models import Message, NotificationDelivery
from organizations.actors import load_actor
from organizations.enums import InvitedRole
from organizations.models import Invitation, Membership
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories import cases, people, shared
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db

# Session, account, memberships, grants, badges, saved views, the planner's guess, the count of the list and its rows.
LIST_BUDGET = 13


def _member(world: World, number: int) -> None:
    person = people.make_user(f"member{number}@example.org")
    people.make_membership(person, world.provider_a, "counselor")


MORE: dict[type[models.Model], Callable[[World, int], Any]] = {
    Job: lambda world, _: shared.make_job(world.provider_a),
    Message: lambda world, n: shared.make_message(world.provider_a, f"m{n}@example.org"),
    NotificationDelivery: lambda world, n: shared.make_delivery(world.message_a, attempt=n + 1),
    StoredFile: lambda world, _: shared.make_file(world.provider_a),
    Invitation: lambda world, n: people.make_invitation(
        f"i{n}@example.org", InvitedRole.COUNSELOR, organization=world.provider_a
    ),
    Membership: _member,
}


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len([q for q in captured.captured_queries if "SAVEPOINT" not in q["sql"]])


@pytest.mark.parametrize("model", MORE, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_more_rows(world: World, client: Client, model: type[models.Model]) -> None:
    sign_in(client, world.provider_admin_a)
    queries_of(client, addresses.listing(model))
    few = queries_of(client, addresses.listing(model))
    with as_system():
        for number in range(2):
            MORE[model](world, number)
    assert queries_of(client, addresses.listing(model)) == few
    assert few <= LIST_BUDGET


def request_of(actor: Any) -> Any:
    request = RequestFactory().get("/console/")
    request.actor = actor
    return request


def test_the_home_page_costs_two_queries_a_queue(world: World) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor), CaptureQueriesContext(connection) as captured:
        found = boards(request_of(actor))
    assert len(captured) <= 2 * len(found)
    assert {board.queue.name for board in found} < {queue.name for queue in QUEUES}


def test_all_badges_are_one_query(world: World, client: Client) -> None:
    from admin_site.dashboard import badges  # noqa: PLC0415 -- used by this test alone

    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor), CaptureQueriesContext(connection) as captured:
        counts = badges(request_of(actor), {"review", "waivers", "requests"})
    assert len(captured) == 1
    assert (counts["review"], counts["waivers"]) == (1, 1)


def test_the_timeline_costs_at_most_ten_queries(world: World) -> None:
    row = world.studying_a
    with as_system():
        payment = world.payment_a
        for number in range(3):
            shared.make_job(world.provider_a, subject=payment)
            message = shared.make_message(
                world.provider_a, "x@example.org", about_type="enrollments.enrollment", about_id=str(row.pk)
            )
            shared.make_delivery(message, attempt=number + 1)
        row.case_number = "26-12345"
        row.save(update_fields=["case_number", "updated_at"])
        cases.make_refund(payment)
        actor = load_actor(world.provider_admin_a)
    with acting(actor):
        fresh = Enrollment.objects.get(pk=row.pk)
        with CaptureQueriesContext(connection) as captured:
            found = timeline(request_of(actor), fresh)
    assert len(captured) <= 10
    assert {entry.kind for entry in found} == {"history", "jobs", "mails", "money"}
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
    assert any("26-12345" in detail for entry in found for detail in entry.details)


def test_the_timeline_shows_each_source_to_those_who_may_view_it(world: World) -> None:
    row = world.invited_a
    with as_system():
        shared.make_job(world.provider_a, subject=row)
        actor = load_actor(world.attorney_a)
    with acting(actor):
        found = timeline(request_of(actor), row)
    assert {entry.kind for entry in found} == {"history"}


def test_the_palette_is_bounded(world: World, client: Client) -> None:
    from admin_site.palette import EACH, find  # noqa: PLC0415 -- used by this test alone

    with as_system():
        for number in range(EACH + 5):
            cases.make_client(world.provider_a, last_name=f"Common{number}", email=f"c{number}@example.org")
        actor = load_actor(world.provider_admin_a)
    with acting(actor), CaptureQueriesContext(connection) as captured:
        found = find(request_of(actor), "common")
    assert len(found) == EACH
    assert len(captured) <= 10  # the index of words of four tables, and the rows of six


def test_the_home_page_itself_stays_small(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    queries_of(client, reverse("admin:index"))
    assert queries_of(client, reverse("admin:index")) <= 34  # a query for each board and each badge
