"""Saved views: the address reproduces the list; who finds them; what opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.context import Actor, acting
from core.errors import DomainError
from lists.enums import Audience
from lists.models import SavedView
from lists.queries import views_of
from lists.services.saved_views import clean_query, open_with, save_view
from organizations.actors import load_actor
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db
LIST = "enrollments.enrollment"
ADDRESS = "/console/enrollments/enrollment/"


def actor_for(user: Any) -> Actor:
    with as_system():
        return load_actor(user)


def names_for(user: Any, list_name: str = LIST) -> set[str]:
    actor = actor_for(user)
    with acting(actor):
        return set(views_of(actor, list_name).values_list("name", flat=True))


def test_where_somebody_stood_in_the_list_is_not_kept() -> None:
    assert (
        clean_query("status__exact=review&p=7&after=abc&q=ram%C3%ADrez&o=-1")
        == "status__exact=review&q=ram%C3%ADrez&o=-1"
    )


def test_a_view_that_is_too_long_is_refused() -> None:
    with pytest.raises(DomainError) as refusal:
        clean_query("q=" + "x" * 3000)
    assert refusal.value.code == "view_too_long"


def test_a_private_view_is_found_by_its_owner_only(world: World) -> None:
    actor = actor_for(world.counselor_a)
    with acting(actor):
        save_view(actor, list_name=LIST, name="Mine", query="status__exact=review")
    assert "Mine" in names_for(world.counselor_a)
    for other in (world.provider_admin_a, world.provider_admin_b, world.platform_admin, world.attorney_a):
        assert "Mine" not in names_for(other)


def test_a_shared_view_is_found_in_its_organization_only(world: World) -> None:
    actor = actor_for(world.provider_admin_a)
    with acting(actor):
        save_view(
            actor, list_name=LIST, name="Ours", query="", audience=Audience.SHARED, organization=world.provider_a.pk
        )
    assert "Ours" in names_for(world.counselor_a)
    assert "Ours" not in names_for(world.provider_admin_b)
    assert "Ours" not in names_for(world.platform_admin)


def test_a_view_for_a_role_is_found_by_that_role(world: World) -> None:
    actor = actor_for(world.provider_admin_a)
    with acting(actor):
        save_view(
            actor, list_name=LIST, name="Talks", query="", audience=Audience.ROLE, role="counselor",
            organization=world.provider_a.pk,
        )  # fmt: skip
    assert "Talks" in names_for(world.counselor_a)
    assert "Talks" not in names_for(world.provider_admin_a)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"audience": Audience.SHARED}, "view_needs_organization"),
        ({"audience": Audience.ROLE}, "view_needs_role"),
    ],
)
def test_a_view_without_its_people_is_refused(world: World, fields: dict[str, str], code: str) -> None:
    actor = actor_for(world.provider_admin_a)
    home = {"organization": world.provider_a.pk} if code == "view_needs_role" else {}
    with acting(actor), pytest.raises(DomainError) as refusal:
        save_view(actor, list_name=LIST, name="Nobody's", query="", **fields, **home)
    assert refusal.value.code == code


def test_two_views_of_one_name_are_refused_and_nothing_is_half_written(world: World) -> None:
    actor = actor_for(world.counselor_a)
    with acting(actor):
        save_view(actor, list_name=LIST, name="Mine", query="")
        with pytest.raises(DomainError) as refusal:
            save_view(actor, list_name=LIST, name="Mine", query="status__exact=review")
        assert SavedView.objects.filter(owner=world.counselor_a, name="Mine").count() == 1
    assert refusal.value.code == "view_name_taken"


def test_a_new_default_takes_the_place_of_the_old_one(world: World) -> None:
    actor = actor_for(world.counselor_a)
    with acting(actor):
        first = save_view(actor, list_name=LIST, name="One", query="q=a", is_default=True)
        second = save_view(actor, list_name=LIST, name="Two", query="q=b")
        open_with(second)
        first.refresh_from_db()
        assert (first.is_default, second.is_default) == (False, True)


def test_the_list_opens_with_the_default_view_unless_it_is_asked_for_plain(world: World, client: Client) -> None:
    """UX-01: default per role, and the address reproduces the view."""
    actor = actor_for(world.provider_admin_a)
    with acting(actor):
        save_view(actor, list_name=LIST, name="Open", query="status__exact=review&density=compact", is_default=True)
    signed_in = sign_in(client, world.provider_admin_a)
    assert signed_in.get(ADDRESS)["Location"] == f"{ADDRESS}?status__exact=review&density=compact"
    assert signed_in.get(f"{ADDRESS}?view=").status_code == 200


def test_the_dialog_keeps_the_address_and_the_tab_leads_back_to_it(world: World, client: Client) -> None:
    signed_in = sign_in(client, world.counselor_a)
    query = "kind__exact=CC&cols=client&cols=status&o=2"
    page = signed_in.get(f"{ADDRESS}views/save/?{query}").content.decode()
    assert "kind__exact=CC&amp;cols=client" in page
    answer = signed_in.post(f"{ADDRESS}views/save/", {"name": "Counseling", "query": query})
    assert answer["Location"] == f"{ADDRESS}?{query}"
    listed = signed_in.get(f"{ADDRESS}?{query}").content.decode()
    assert "Counseling" in listed
    assert "kind__exact=CC&amp;cols=client&amp;cols=status" in listed


def test_who_may_not_share_keeps_a_view_for_themselves_whatever_is_sent(world: World, client: Client) -> None:
    sign_in(client, world.counselor_a).post(
        f"{ADDRESS}views/save/",
        {"name": "Try", "query": "", "audience": "shared", "organization": str(world.provider_a.pk)},
    )
    with as_system():
        kept = SavedView.objects.get(name="Try")
    assert (kept.audience, kept.organization_id) == (Audience.PRIVATE, None)


def test_a_shared_view_cannot_be_put_into_another_organization(world: World, client: Client) -> None:
    answer = sign_in(client, world.provider_admin_a).post(
        f"{ADDRESS}views/save/",
        {"name": "Theirs", "query": "", "audience": "shared", "organization": str(world.provider_b.pk)},
    )
    assert answer.status_code == 200
    with as_system():
        assert not SavedView.objects.filter(name="Theirs").exists()


def test_a_counselor_cannot_drop_what_the_administrator_shared(world: World, client: Client) -> None:
    url = reverse("admin:enrollments_enrollment_view_change", args=[world.saved_view_a.pk])
    assert sign_in(client, world.counselor_a).post(url, {"act": "drop"}).status_code == 403
    assert world.saved_view_a.name == "Waiting"
    assert sign_in(client, world.provider_admin_a).post(url, {"act": "drop"}).status_code == 302
    with as_system():
        assert not SavedView.objects.filter(pk=world.pk("saved_view_a")).exists()


def test_a_foreign_view_answers_like_an_absent_one(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    for pk in (world.saved_view_b.pk, world.private_view_a.pk, "00000000-0000-4000-8000-000000000000"):
        url = reverse("admin:enrollments_enrollment_view_change", args=[pk])
        assert client.post(url, {"act": "drop"}).status_code == 404
        assert client.get(url).status_code == 405


def test_the_tabs_count_the_rows_the_list_would_show(world: World, client: Client) -> None:
    signed_in = sign_in(client, world.provider_admin_a)
    counts = json.loads(signed_in.get(f"{ADDRESS}views/counts/").content)
    shown = signed_in.get(f"{ADDRESS}?status__exact=review").context["cl"].result_count
    assert counts == {str(world.saved_view_a.pk): str(shown)}
    assert shown > 0


def test_the_address_chooses_columns_and_the_first_stays(world: World, client: Client) -> None:
    """UX-02."""
    signed_in = sign_in(client, world.provider_admin_a)
    page = signed_in.get(f"{ADDRESS}?cols=kind&cols=no_such_column&density=compact")
    assert page.status_code == 200
    assert list(page.context["cl"].list_display)[-2:] == ["who", "kind"]
    everything = signed_in.get(f"{ADDRESS}?view=")
    assert len(everything.context["cl"].list_display) > 5
