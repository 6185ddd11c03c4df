"""Changes of many rows: what is shown is what is done, what is done can be taken back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditEvent
from enrollments.models import Client as Person
from enrollments.models import Enrollment
from lists.enums import RowResult
from lists.models import BulkEdit
from tests.database import as_system
from tests.factories.names import World
from tests.web import sign_in

pytestmark = pytest.mark.django_db
ADDRESS = "/console/enrollments/enrollment/bulk-edit/"
SPANISH = {"change_language": "on", "language": "es"}


def enrollments_of(world: World) -> list[str]:
    return [world.pk(f"{name}_a") for name in ("invited", "studying", "review")]


def preview(client: Client, keys: list[str], sent: dict[str, str]) -> Any:
    return client.post(ADDRESS, {"pk": keys, "preview": "1", **sent})


def plan_of(page: Any) -> str:
    found = re.search(r'name="plan" value="([0-9a-f]+)"', page.content.decode())
    assert found is not None
    return found[1]


def change(client: Client, keys: list[str], sent: dict[str, str]) -> BulkEdit:
    plan = plan_of(preview(client, keys, sent))
    answer = client.post(ADDRESS, {"pk": keys, "apply": "1", "plan": plan, **sent})
    assert answer.status_code == 302
    with as_system():
        return BulkEdit.objects.get(pk=answer["Location"].rstrip("/").rpartition("/")[2])


def languages(keys: list[str]) -> set[str]:
    with as_system():
        return set(Enrollment.objects.filter(pk__in=keys).values_list("language", flat=True))


def test_the_preview_counts_and_changes_nothing(world: World, client: Client) -> None:
    """UX-03."""
    keys = enrollments_of(world)
    page = preview(sign_in(client, world.provider_admin_a), keys, SPANISH)
    assert "3 records change" in page.content.decode()
    assert languages(keys) == {"en"}


def test_a_change_writes_each_row_with_its_history_and_one_correlation(world: World, client: Client) -> None:
    keys = enrollments_of(world)
    edit = change(sign_in(client, world.provider_admin_a), keys, SPANISH)
    assert languages(keys) == {"es"}
    with as_system():
        newest = [Enrollment.objects.get(pk=pk).history.latest() for pk in keys]
        events = AuditEvent.objects.filter(act="enrollment.change", target_id__in=keys)
        assert (edit.changed, events.count()) == (3, 3)
        assert {row.history_change_reason for row in newest} == {f"bulk edit {edit.pk}"}
        assert len({row.correlation_id for row in newest} | {edit.correlation_id}) == 1


def test_what_is_not_ticked_stays_as_it_is(world: World, client: Client) -> None:
    keys = enrollments_of(world)
    with as_system():
        before = {row.pk: (row.chapter, row.delivery_method) for row in Enrollment.objects.filter(pk__in=keys)}
    change(sign_in(client, world.provider_admin_a), keys, {**SPANISH, "chapter": "13"})
    with as_system():
        assert {row.pk: (row.chapter, row.delivery_method) for row in Enrollment.objects.filter(pk__in=keys)} == before


def test_undo_puts_back_what_nobody_touched_since_and_leaves_the_rest_alone(world: World, client: Client) -> None:
    keys = enrollments_of(world)
    signed_in = sign_in(client, world.provider_admin_a)
    edit = change(signed_in, keys, {"change_chapter": "on", "chapter": "13"})
    change(signed_in, keys[:1], {"change_chapter": "on", "chapter": "7"})
    url = reverse("admin:enrollments_enrollment_bulk_edit_done", args=[edit.pk])
    assert "Undo this change" in signed_in.get(url).content.decode()
    assert "2 records are as they were." in signed_in.post(url, follow=True).content.decode()
    with as_system():
        chapters = [Enrollment.objects.get(pk=pk).chapter for pk in keys]
        results = sorted(edit.rows.values_list("result", flat=True))
    assert chapters == ["7", "", ""]
    assert results == [RowResult.KEPT, RowResult.UNDONE, RowResult.UNDONE]


def test_a_change_is_taken_back_once(world: World, client: Client) -> None:
    signed_in = sign_in(client, world.provider_admin_a)
    edit = change(signed_in, enrollments_of(world), SPANISH)
    url = reverse("admin:enrollments_enrollment_bulk_edit_done", args=[edit.pk])
    signed_in.post(url)
    assert "edit_undone_already" in signed_in.post(url, follow=True).content.decode()


def test_somebody_elses_change_answers_like_an_absent_one(world: World, client: Client) -> None:
    edit = change(sign_in(client, world.provider_admin_a), enrollments_of(world), SPANISH)
    url = reverse("admin:enrollments_enrollment_bulk_edit_done", args=[edit.pk])
    for user in (world.owner_a, world.provider_admin_b, world.platform_admin):
        assert sign_in(client, user).post(url).status_code == 404
    assert languages(enrollments_of(world)) == {"es"}


def test_records_changed_between_preview_and_change_are_shown_again(world: World, client: Client) -> None:
    """P-11: what is done is what was shown."""
    keys = enrollments_of(world)
    signed_in = sign_in(client, world.provider_admin_a)
    plan = plan_of(preview(signed_in, keys, SPANISH))
    change(signed_in, keys[:1], SPANISH)
    answer = signed_in.post(ADDRESS, {"pk": keys, "apply": "1", "plan": plan, **SPANISH})
    assert answer.status_code == 200
    assert "changed_meanwhile" in answer.content.decode()
    assert languages(keys) == {"en", "es"}


def test_foreign_rows_are_as_if_they_did_not_exist(world: World, client: Client) -> None:
    keys = [world.pk("invited_a"), world.pk("invited_b")]
    edit = change(sign_in(client, world.provider_admin_a), keys, SPANISH)
    assert edit.changed == 1
    assert languages([world.pk("invited_b")]) == {"en"}
    assert preview(client, [world.pk("invited_b")], SPANISH).status_code == 404
    assert preview(client, ["nonsense"], SPANISH).status_code == 404


def test_a_field_that_is_not_offered_cannot_be_sent(world: World, client: Client) -> None:
    keys = enrollments_of(world)
    answer = preview(sign_in(client, world.provider_admin_a), keys, {"change_status": "on", "status": "filed"})
    assert "nothing_to_edit" in answer.content.decode()


@pytest.mark.parametrize(("who", "status"), [("counselor_a", 403), ("attorney_a", 403), ("platform_support", 403)])
def test_who_may_not_change_a_record_may_not_change_many(world: World, client: Client, who: str, status: int) -> None:
    assert preview(sign_in(client, getattr(world, who)), enrollments_of(world), SPANISH).status_code == status
    assert languages(enrollments_of(world)) == {"en"}


def test_a_wrong_value_is_refused_before_any_row_is_looked_at(world: World, client: Client) -> None:
    sent = {"change_current_341_date": "on", "current_341_date": "31/31/2026"}
    page = preview(sign_in(client, world.provider_admin_a), enrollments_of(world), sent).content.decode()
    assert "Enter a valid date" in page


def test_the_list_offers_the_form_for_the_ticked_rows(world: World, client: Client) -> None:
    page = sign_in(client, world.provider_admin_a).post(
        "/console/enrollments/client/", {"action": "bulk_edit", "_selected_action": [world.pk("client_a")]}
    )
    assert "Change fields of 1 record" in page.content.decode()
    with as_system():
        assert Person.objects.get(pk=world.pk("client_a")).language == "en"
