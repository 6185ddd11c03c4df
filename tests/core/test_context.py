"""The context of a request reaches everything that runs inside it, and nothing that runs outside.

A-07: each site that works outside the view sees the right context, or no rows and a refusal; never another tenant's.
The control is an ordinary middleware that sets the context without opening the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.signals import post_save
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, StreamingHttpResponse
from django.template import Context, Template
from django.test import RequestFactory

from core.context import Actor, Kind, _apply, acting, current_actor, system_actor
from core.errors import DomainError
from core.middleware import ContextMiddleware
from enrollments.models import Client, Enrollment
from jobs.models import Job
from organizations.actors import load_actor
from tests.database import ROOT, as_system, role
from tests.factories.names import World

pytestmark = pytest.mark.django_db(transaction=True)

View = Callable[[HttpRequest], Any]


def seen() -> set[str]:
    """The providers whose enrollments the database shows right now."""
    return set(Enrollment.objects.values_list("provider__slug", flat=True))


def setting(name: str = "app.scope") -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting(%s, true), '')", [name])
        return str(cursor.fetchone()[0])


def request_of(world: World, name: str) -> HttpRequest:
    """A request whose session names a person, as the session middleware hands it on."""
    request: Any = RequestFactory().get("/")
    user = getattr(world, name)
    request.user, request.session = user, {"_auth_user_id": str(user.pk), "session_generation": user.session_generation}
    return request


class OrdinaryMiddleware:
    """The control: sets the context, but the view opens its own transaction after it, as ATOMIC_REQUESTS does."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __call__(self, request: Any) -> Any:
        with as_system():
            actor = load_actor(request.user)
        with transaction.atomic():
            _apply(actor)
        with transaction.atomic():
            return self.view(request)


@pytest.mark.torture("A-07")
def test_the_view_sees_the_persons_rows(world: World) -> None:
    found: list[set[str]] = []
    ContextMiddleware(lambda _: found.append(seen()) or HttpResponse())(request_of(world, "provider_admin_a"))
    assert found == [{"provider-a"}]


@pytest.mark.control("A-07")
def test_the_control_sees_nothing_in_its_view(world: World) -> None:
    found: list[set[str]] = []
    OrdinaryMiddleware(lambda _: found.append(seen()) or HttpResponse())(request_of(world, "provider_admin_a"))
    assert found == [set()]


@pytest.mark.torture("A-07")
def test_a_lazy_queryset_in_a_template_sees_the_persons_rows(world: World) -> None:
    template = Template("{% for row in rows %}{{ row.provider.slug }} {% endfor %}")

    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(template.render(Context({"rows": Enrollment.objects.select_related("provider")})))

    response = ContextMiddleware(view)(request_of(world, "provider_admin_a"))
    assert set(response.content.decode().split()) == {"provider-a"}


@pytest.mark.torture("A-07")
def test_a_signal_handler_sees_the_persons_rows(world: World) -> None:
    found: list[set[str]] = []

    def handler(**_: Any) -> None:
        found.append(seen())

    def view(request: HttpRequest) -> HttpResponse:
        Client.objects.get(pk=world.client_a.pk).save(update_fields=["updated_at"])
        return HttpResponse()

    post_save.connect(handler, sender=Client)
    try:
        ContextMiddleware(view)(request_of(world, "provider_admin_a"))
    finally:
        post_save.disconnect(handler, sender=Client)
    assert found == [{"provider-a"}]


@pytest.mark.torture("A-07")
def test_a_streamed_body_runs_outside_and_gets_no_rows(world: World) -> None:
    def body() -> Iterator[str]:
        yield from sorted(seen())

    response = ContextMiddleware(lambda _: StreamingHttpResponse(body()))(request_of(world, "provider_admin_a"))
    assert list(response.streaming_content) == []


@pytest.mark.torture("A-07")
def test_an_on_commit_hook_runs_outside_and_gets_no_rows(world: World) -> None:
    found: list[tuple[Any, set[str]]] = []

    def view(request: HttpRequest) -> HttpResponse:
        transaction.on_commit(lambda: found.append((current_actor(), seen())))
        return HttpResponse()

    ContextMiddleware(view)(request_of(world, "provider_admin_a"))
    assert found == [(None, set())]


def test_after_the_request_no_context_is_left_on_the_connection(world: World) -> None:
    ContextMiddleware(lambda _: HttpResponse())(request_of(world, "provider_admin_a"))
    assert (current_actor(), setting(), setting("app.organizations"), seen()) == (None, "", "", set())


@pytest.mark.parametrize("status", [200, 302, 403, 404])
def test_an_answer_below_500_keeps_what_was_written(world: World, status: int) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        Client.objects.filter(pk=world.client_a.pk).update(phone="555-1111")
        return HttpResponse(status=status)

    ContextMiddleware(view)(request_of(world, "provider_admin_a"))
    assert world.client_a.phone == "555-1111"


def test_an_answer_of_500_undoes_the_request(world: World) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        Client.objects.filter(pk=world.client_a.pk).update(phone="555-1111")
        return HttpResponseServerError()

    ContextMiddleware(view)(request_of(world, "provider_admin_a"))
    assert world.client_a.phone != "555-1111"


def test_a_refusal_undoes_the_request_and_an_exception_leaves_no_context(world: World) -> None:
    def refuses(request: HttpRequest) -> HttpResponse:
        Client.objects.filter(pk=world.client_a.pk).update(phone="555-1111")
        raise DomainError("permission_denied")

    with pytest.raises(DomainError):
        ContextMiddleware(refuses)(request_of(world, "provider_admin_a"))
    assert world.client_a.phone != "555-1111"
    assert (current_actor(), setting(), seen()) == (None, "", set())


def test_one_request_after_another_never_sees_the_other_tenant(world: World) -> None:
    found: list[set[str]] = []
    middleware = ContextMiddleware(lambda _: found.append(seen()) or HttpResponse())
    for name in ("provider_admin_a", "provider_admin_b", "stranger", "provider_admin_a"):
        middleware(request_of(world, name))
    assert found == [{"provider-a"}, {"provider-b"}, set(), {"provider-a"}]


def test_without_any_context_no_row_is_seen_and_none_is_written(world: World) -> None:
    provider = world.provider_a
    assert seen() == set()
    with pytest.raises(DatabaseError), transaction.atomic():
        Client.objects.create(provider=provider, first_name="No", last_name="Body", email="n@example.org")


def test_the_web_role_cannot_take_the_system_scope(world: World) -> None:
    with role("app_web"), acting(system_actor("pretended")):
        assert seen() == set()


@pytest.mark.torture("A-07")
def test_the_worker_has_no_context_left_after_a_job_that_failed(world: World) -> None:
    with role("app_worker"):
        with pytest.raises(ZeroDivisionError), acting(system_actor("fails")):
            len(seen()) / 0
        assert (current_actor(), setting(), seen()) == (None, "", set())


def test_an_inner_context_gives_the_outer_one_back(world: World) -> None:
    with as_system():
        a, b = load_actor(world.provider_admin_a), load_actor(world.provider_admin_b)
    with acting(a):
        with acting(b):
            assert seen() == {"provider-b"}
        assert (seen(), current_actor()) == ({"provider-a"}, a)
        with pytest.raises(ZeroDivisionError), acting(b):
            raise ZeroDivisionError
        assert seen() == {"provider-a"}


def test_a_read_only_context_refuses_every_write(world: World) -> None:
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor, read_only=True):
        assert seen() == {"provider-a"}
        with pytest.raises(DatabaseError), transaction.atomic():
            Client.objects.filter(pk=world.client_a.pk).update(phone="555-1111")


def test_settings_are_of_the_transaction_not_of_the_session(world: World) -> None:
    """A pooler in transaction mode hands the same session to another client: nothing may stay on it."""
    names = ("app.scope", "app.user_id", "app.organizations", "app.key")
    with as_system():
        actor = load_actor(world.provider_admin_a)
    with acting(actor):
        assert setting("app.user_id") == str(actor.user_id)
    assert [setting(name) for name in names] == [""] * len(names)


def test_no_code_of_ours_sets_or_locks_anything_for_the_whole_session() -> None:
    sources = [
        path for room in ("platform", "admin_site", "resources", "tasks") for path in (ROOT / room).rglob("*.py")
    ]
    for_the_session = re.compile(
        r"set_config\([^)]*,\s*false\s*\)|\bSET\s+SESSION\b|\bSET\s+app\.|pg_(?:try_)?advisory_lock(?:_shared)?\(",
        re.IGNORECASE,
    )
    assert [str(path) for path in sources if for_the_session.search(path.read_text())] == []


def test_a_visitor_may_leave_a_job_but_not_read_it_back(world: World) -> None:
    with acting(Actor(kind=Kind.ANONYMOUS)):
        Job.objects.bulk_create([Job(kind="core.nothing", dedupe_key="left-by-a-visitor")])
        assert Job.objects.filter(dedupe_key="left-by-a-visitor").count() == 0
    with as_system():
        assert Job.objects.filter(dedupe_key="left-by-a-visitor").count() == 1
