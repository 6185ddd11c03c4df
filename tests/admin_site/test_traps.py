"""The holes that the packages of the admin open by default, one test each: none of them is open here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from admin_site.base import ConsoleModelAdmin
from admin_site.site import console
from audit.models import AuditEvent, SystemEvent
from enrollments.models import Client as Debtor
from enrollments.models import Enrollment
from jobs.models import Job
from organizations.models import Organization
from tests.admin_site import addresses
from tests.database import as_system
from tests.factories.names import World
from tests.imports.walks import confirm, newest, upload
from tests.resources.files import CLIENT
from tests.web import sign_in

pytestmark = pytest.mark.django_db

PACKAGES = {"auth", "django_q", "guardian", "account", "mfa", "usersessions", "sessions", "simple_history", "admin"}


def console_addresses() -> Iterator[str]:
    """Every pattern under the console, as text."""

    def walk(patterns: list, prefix: str) -> Iterator[str]:
        for pattern in patterns:
            path = f"{prefix}{pattern.pattern}"
            yield from walk(pattern.url_patterns, path) if hasattr(pattern, "url_patterns") else [path]

    yield from (path for path in walk(get_resolver().url_patterns, "") if path.startswith("console/"))


def evidence() -> int:
    with as_system():
        return AuditEvent.objects.count()


def rename(organization: Organization, name: str) -> None:
    with as_system():
        organization.name = name
        organization.save(update_fields=["name", "updated_at"])


def test_t1_the_history_of_a_row_out_of_sight_is_not_found(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    for row, status in ((world.invited_a, 200), (world.invited_b, 404)):
        with as_system():
            version = row.history.first().history_id
        assert client.get(addresses.record(row, "history")).status_code == status
        assert client.get(addresses.record(row, "simple_history", version)).status_code == status


def test_t1_a_version_of_another_row_is_not_found_under_ones_own(world: World, client: Client) -> None:
    with as_system():
        theirs = world.invited_b.history.first().history_id
    sign_in(client, world.provider_admin_a)
    assert client.get(addresses.record(world.invited_a, "simple_history", theirs)).status_code == 404


@pytest.mark.parametrize("person", ["auditor", "provider_admin_a", "platform_admin"])
def test_t2_posting_to_history_changes_nothing(world: World, client: Client, person: str) -> None:
    row = world.provider_a
    with as_system():
        version = row.history.first().history_id
    sign_in(client, getattr(world, person))
    for address in (addresses.record(row, "history"), addresses.record(row, "simple_history", version)):
        assert client.post(address, {"name": "Hijacked", "slug": row.slug, "_save": "1"}).status_code == 405
    assert world.provider_a.name == row.name


def test_t3_differences_show_visible_columns_of_ones_own_row_only(world: World, client: Client) -> None:
    rename(world.provider_a, "Renamed A")
    rename(world.provider_b, "Renamed B")
    sign_in(client, world.provider_admin_a)
    page = client.get(addresses.record(world.provider_a, "history"))
    labels = {change.label for version in page.context["versions"] for change in version.changes}
    assert labels == {"Name"}
    assert client.get(addresses.record(world.provider_b, "history")).status_code == 404


def test_t3_sensitive_columns_are_in_no_history_page() -> None:
    from core.privacy import Privacy  # noqa: PLC0415 -- used by this test alone

    for admin in console._registry.values():
        privacy = getattr(admin.model, "privacy", {})
        hidden = {name for name, level in privacy.items() if level in {Privacy.SENSITIVE, Privacy.SECRET}}
        assert hidden.isdisjoint(getattr(admin, "history_columns", ())), admin


def test_t4_every_action_names_a_permission() -> None:
    for admin in console._registry.values():
        assert isinstance(admin, ConsoleModelAdmin)
        for declaration in (*admin.declared_actions(), *admin.declared_pages()):
            assert declaration.permission.count(".") == 1, declaration
        for hook in ("actions", "actions_list", "actions_row", "actions_detail", "actions_submit_line"):
            assert not getattr(admin, hook), (admin, hook)


def test_t5_t6_no_action_runs_without_the_right_or_on_a_row_out_of_sight(world: World, client: Client) -> None:
    before = evidence()
    for person in ("auditor", "attorney_b"):
        sign_in(client, getattr(world, person))
        for model, admin in console._registry.items():
            with as_system():
                row = model._base_manager.first()
            for action in admin.declared_actions():
                answer = client.post(addresses.action(row, action.name), {"reason": "because"}) if row else None
                assert answer is None or answer.status_code in {403, 404}, (person, action)
    assert evidence() == before


def test_t7_import_needs_its_permission_and_the_packages_own_addresses_do_not_exist(
    world: World, client: Client
) -> None:
    for name in ("process_import", "import_confirm", "export_admin_action"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:enrollments_enrollment_{name}")
    sign_in(client, world.auditor)
    admin = console.get_model_admin(Enrollment)
    for page in ("import", "import_example", "export"):
        assert client.get(admin._address(page)).status_code == 403
        assert client.post(admin._address(page)).status_code == 403


def test_t7_nobody_confirms_the_import_of_another(world: World, client: Client) -> None:
    preview = upload(sign_in(client, world.provider_admin_a), CLIENT)
    run, token = newest(), preview.context["token"]
    for person in (world.auditor, world.owner_a, world.provider_admin_b):
        before = _count(Debtor)
        confirm(sign_in(client, person), run, token)
        assert (newest().state, _count(Debtor)) == (run.state, before), person
    assert confirm(sign_in(client, world.provider_admin_a), run, token).status_code == 200
    assert newest().state != run.state


def test_t8_only_safe_formats_leave_the_console() -> None:
    from resources.importing import FORMATS  # noqa: PLC0415 -- used by this test alone

    assert {form.__name__ for form in FORMATS} == {"SafeCSV", "SafeXLSX"}


def test_t9_no_upload_is_kept_outside_the_database(world: World, client: Client, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert upload(sign_in(client, world.provider_admin_a), CLIENT).status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_t10_no_package_page_gives_object_permissions(world: World, client: Client) -> None:
    sign_in(client, world.platform_admin)
    for model in console._registry:
        with as_system():
            row = model._base_manager.first()
        if row is not None:
            base = addresses.record(row).removesuffix("change/")
            for page in ("permissions/", f"permissions/user-manage/{world.auditor.pk}/", "permissions/group-manage/1/"):
                assert client.get(base + page, follow=True).status_code == 404


def test_t11_t12_the_queues_tables_have_no_page() -> None:
    registered = {model._meta.app_label for model in console._registry}
    assert registered & PACKAGES == set()
    assert [path for path in console_addresses() if any(f"/{name}/" in path for name in PACKAGES)] == []
    assert {model for model in console._registry if model in apps.get_app_config("django_q").get_models()} == set()


@pytest.mark.parametrize("person", ["provider_admin_a", "attorney_a"])
def test_t24_no_list_filter_or_form_names_another_tenant(world: World, client: Client, person: str) -> None:
    sign_in(client, getattr(world, person))
    foreign = [str(world.provider_b.pk), str(world.client_b.pk), str(world.client_user_b.pk), "Firmclient B"]
    for model, admin in console._registry.items():
        for address in (addresses.listing(model), addresses.adding(model)):
            response = client.get(address)
            page = response.content.decode() if response.status_code == 200 else ""
            found = [text for text in foreign if text in page]
            # A law firm chooses among the providers that are open to everybody.
            assert found in ([], [str(world.provider_b.pk)] if person == "attorney_a" else []), (admin, address)


def test_t24_a_foreign_tenant_in_the_form_is_not_saved(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    told = {
        "provider": str(world.provider_b.pk), "tenant": str(world.provider_b.pk), "first_name": "Nora",
        "last_name": "Newcomer", "email": "nora@example.org", "language": "en", "phone": "",
    }  # fmt: skip
    client.post(addresses.adding(Debtor), told)
    with as_system():
        homes = set(Debtor.objects.filter(email="nora@example.org").values_list("provider__slug", flat=True))
    assert homes <= {"provider-a"}


def test_t24_fields_beyond_the_form_have_no_effect(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    before = world.provider_a
    told = {field.name: "1" for field in Organization._meta.concrete_fields if not field.is_relation}
    told |= {
        "time_zone": before.time_zone,
        "name": "Renamed",
        "email": "office@new.example",
        "tenant": str(world.provider_b.pk),
        "is_superuser": "1",
    }
    told |= {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    client.post(addresses.record(before), told)
    after = world.provider_a
    kept = ("pk", "slug", "is_provider", "is_firm", "is_sponsor", "is_employer", "created_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.name == "Renamed"


PROBES = (
    "?client__user__password__startswith=a", "?provider__slug=provider-b", "?client__ssn_last4__gt=0", "?o=99.-99.x",
    "?o=" + "9" * 5000, "?_to_field=email", "?_popup=1&_to_field=client__email", "?q=" + "a" * 10_000,
    "?q=%00", "?status__exact=%00", "?created_at__year=0", "?created_at__year=9999", "?p=99999", "?p=-1", "?p=x",
    "?all=", "?id__in=zzz", "?provider__id__exact=zzz", "?_changelist_filters=x%3D1", "?e=1",
)  # fmt: skip


@pytest.mark.parametrize("probe", PROBES)
def test_probing_a_list_through_its_address_tells_nothing(world: World, client: Client, probe: str) -> None:
    sign_in(client, world.provider_admin_a)
    response = client.get(addresses.listing(Enrollment, probe))
    assert response.status_code in {200, 302, 400}
    assert str(world.invited_b.pk) not in response.content.decode()


def test_a_foreign_row_answers_like_an_absent_one_everywhere(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a)
    for page in ("change", "history", "delete"):
        foreign = client.get(addresses.record(world.invited_b, page))
        absent = client.get(addresses.record(Enrollment(pk="00000000-0000-4000-8000-000000000000"), page))
        assert foreign.status_code == absent.status_code == (403 if page == "delete" else 404)


def test_a_denial_is_on_the_record(world: World, client: Client) -> None:
    sign_in(client, world.provider_admin_a).get(addresses.record(world.invited_b))
    sign_in(client, world.auditor).post(addresses.action(world.job_a, "rerun"), {"reason": "x"})
    with as_system():
        kept = list(SystemEvent.objects.filter(source="console.denied").order_by("at").values_list("detail", flat=True))
    assert [(detail["status"], detail["user"]) for detail in kept] == [
        (404, str(world.provider_admin_a.pk)),
        (403, str(world.auditor.pk)),
    ]


def test_nothing_is_deleted_from_the_console(world: World, client: Client) -> None:
    sign_in(client, world.platform_admin)
    before = {model: _count(model) for model in console._registry}
    for model in before:
        with as_system():
            row = model._base_manager.first()
        if row is not None:
            assert client.post(addresses.record(row, "delete"), {"post": "yes"}).status_code in {403, 404}
        client.post(addresses.listing(model), {"action": "delete_selected", "_selected_action": [str(row and row.pk)]})
    assert {model: _count(model) for model in before if model is not SystemEvent} == {
        model: count for model, count in before.items() if model is not SystemEvent
    }


def _count(model: type[models.Model]) -> int:
    with as_system():
        return model._base_manager.count()


def test_a_right_taken_away_is_gone_from_the_palette_at_once(world: World, client: Client) -> None:
    from organizations.models import Membership  # noqa: PLC0415 -- used by this test alone

    sign_in(client, world.provider_admin_a)
    term = {"s": world.job_a.kind, "extended": "1"}
    assert b"Client User" in client.get(reverse("admin:search"), {"s": "Client", "extended": "1"}).content
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(role="attorney", organization=world.firm_a)
    assert b"Client User" not in client.get(reverse("admin:search"), {"s": "Client", "extended": "1"}).content
    assert Job.objects.model is type(world.job_a)
    assert client.get(reverse("admin:search"), term).status_code == 200
