"""Ten mistakes one could make in the product; the matrix must see every one of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.urls import clear_url_caches, path
from unfold.admin import ModelAdmin

from admin_site.admin.payments import PaymentAdmin
from admin_site.base import ConsoleModelAdmin
from admin_site.middleware import DenialMiddleware
from admin_site.scoping import ScopedFieldsMixin
from admin_site.site import console
from audit.services import record
from config import urls
from enrollments.models import Enrollment
from files.models import StagedUpload
from organizations import decisions
from organizations.backends import allows
from organizations.models import Organization
from organizations.roles import rank_of
from resources.base import ConsoleResource
from tests.matrix.discovery import discover
from tests.matrix.runner import Matrix
from tests.matrix.sabotage import bare, everything

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("matrix"), pytest.mark.control("A-01")]
Patch = pytest.MonkeyPatch


def found(matrix: Matrix, pattern: str) -> list[str]:
    """What the matrix says about the cells whose description fits."""
    cells = [cell for cell in matrix.cells() if re.fullmatch(pattern, f"{cell[0].name} {cell[1]} {cell[2]}")]
    assert cells, pattern
    return matrix.run(cells).violations


def says(faults: list[str], words: str) -> bool:
    return any(words in fault and "the database itself" not in fault for fault in faults)


RECORD = r"GET console/enrollments\.enrollment/record provider_admin (tenant|foreign|absent)"


def test_the_judge_is_content_with_the_product(matrix: Matrix) -> None:
    """The same cells, nothing sabotaged: nothing is found."""
    assert found(matrix, RECORD) == []


def test_a_list_without_its_tenant_filter(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr("admin_site.base.rows_of", everything)
    monkeypatch.setattr(ScopedFieldsMixin, "has_verb", lambda *_: True)
    bare(*apps.get_app_config("enrollments").get_models(), Organization)
    faults = found(matrix, RECORD + r"|GET console/enrollments\.enrollment/list provider_admin -")
    assert says(faults, "shows text of tenant B")
    assert says(faults, "a foreign row does not answer like none")


def test_an_action_without_its_permission(matrix: Matrix, monkeypatch: Patch) -> None:
    def careless(actor: Any, permission: str, row: Any = None) -> bool:
        return permission == "jobs.rerun_job" or allows(actor, permission, row)

    monkeypatch.setattr("admin_site.actions.allows", careless)
    assert says(found(matrix, r"POST console/jobs\.job/do:rerun support tenant"), "instead of a refusal")


def test_a_page_that_writes_on_get(matrix: Matrix, monkeypatch: Patch) -> None:
    page: Callable[..., Any] = PaymentAdmin.billing

    def writing(self: Any, request: Any) -> Any:
        record("payment.looked_at", self.get_queryset(request).first())
        return page(self, request)

    monkeypatch.setattr(PaymentAdmin, "billing", writing)
    faults = found(matrix, r"GET console/payments\.payment/page:billing provider_admin -")
    assert says(faults, "on GET")


def test_a_choice_of_foreign_rows(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr(
        ScopedFieldsMixin,
        "related_queryset",
        lambda _self, field, _request: field.remote_field.model._base_manager.all(),
    )
    monkeypatch.setattr(ScopedFieldsMixin, "hides_tenant", lambda *_: False)
    bare(Organization)
    assert says(found(matrix, r"GET console/certificates\.cgsnumber/add provider_admin -"), "shows text of tenant B")


def test_an_export_of_every_row(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr(ConsoleResource, "get_queryset", lambda self, _verb="export": self.model._default_manager.all())
    monkeypatch.setattr(ConsoleResource, "export_rows", lambda self, _rows=None: self.get_queryset())
    bare(*apps.get_app_config("enrollments").get_models(), Organization)
    faults = found(matrix, r"POST console/enrollments\.enrollment/export:csv provider_admin -")
    assert says(faults, "shows text of tenant B")


def test_a_model_registered_with_the_packages_own_class(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr(console, "_registry", {**console._registry, StagedUpload: ModelAdmin(StagedUpload, console)})
    monkeypatch.setattr(urls, "urlpatterns", [path("console/", console.urls), *urls.urlpatterns[1:]])
    clear_url_caches()
    try:
        unlisted = [act.name for act in discover() if not matrix.policy.names(act)]
    finally:
        monkeypatch.undo()
        clear_url_caches()
    assert "GET console/files.stagedupload/list" in unlisted


def test_403_where_404_hides_a_row(matrix: Matrix, monkeypatch: Patch) -> None:
    def tell(self: Any, request: Any, opts: Any, object_id: str) -> None:
        raise PermissionDenied

    monkeypatch.setattr(ConsoleModelAdmin, "_get_obj_does_not_exist_redirect", tell)
    assert says(found(matrix, RECORD), "where 404 hides the row")


def test_rank_instead_of_permission(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr(decisions, "role_carries", lambda role, _: rank_of(role) >= 50)
    faults = found(matrix, r"GET console/enrollments\.enrollment/do:issue_by_hand counselor tenant")
    assert says(faults, "instead of a refusal")


def test_row_security_switched_off(matrix: Matrix) -> None:
    bare(Enrollment)
    assert any("the database itself: enrollments_enrollment" in fault for fault in found(matrix, RECORD))


@pytest.mark.control("L-02")
def test_a_denial_nobody_wrote_down(matrix: Matrix, monkeypatch: Patch) -> None:
    monkeypatch.setattr(DenialMiddleware, "_keep", lambda *_: None)
    assert says(found(matrix, RECORD), "0 records of the denial")
