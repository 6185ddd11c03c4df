"""Views of lists that people keep, and changes of many rows that they can take back."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.correlation import correlation_id
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from lists.enums import Audience, RowResult
from organizations.models import Organization


class SavedView(Row):
    """A list as somebody arranged it: `query` is the address's query string, which reproduces filters, search, order,
    columns and density."""

    scope: ClassVar = Scope(organization="organization", person="owner")
    privacy: ClassVar = {
        "list_name": Privacy.INTERNAL,
        "name": Privacy.INTERNAL,
        "query": Privacy.PERSONAL,
        "role": Privacy.INTERNAL,
    }

    list_name = models.CharField(_("list"), max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.TextField(_("filters, order and columns"), blank=True, max_length=2000)
    audience = models.CharField(_("for"), max_length=8, choices=Audience, default=Audience.PRIVATE)
    role = models.CharField(_("role"), max_length=20, blank=True)
    is_default = models.BooleanField(_("opens with the list"), default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views", verbose_name=_("made by")
    )
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, null=True, blank=True, related_name="saved_views",
        verbose_name=_("organization"),
    )  # fmt: skip

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name", "id")
        permissions = (("share_savedview", "Can share a view of a list"),)
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "list_name", "name"], name="one_private_view_of_a_name",
                condition=Q(audience=Audience.PRIVATE),
            ),
            models.UniqueConstraint(
                fields=["organization", "list_name", "role", "name"], name="one_shared_view_of_a_name",
                condition=~Q(audience=Audience.PRIVATE), nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["owner", "list_name"], name="one_default_of_a_person",
                condition=Q(audience=Audience.PRIVATE, is_default=True),
            ),
            models.UniqueConstraint(
                fields=["organization", "list_name", "role"], name="one_default_of_a_role", nulls_distinct=False,
                condition=Q(is_default=True) & ~Q(audience=Audience.PRIVATE),
            ),
            models.CheckConstraint(
                name="view_role_fits_audience",
                condition=Q(audience=Audience.ROLE) & ~Q(role="") | ~Q(audience=Audience.ROLE) & Q(role=""),
            ),
            models.CheckConstraint(
                name="private_view_has_no_organization",
                condition=~Q(audience=Audience.PRIVATE) | Q(organization__isnull=True),
            ),
        )  # fmt: skip
        indexes = (models.Index(fields=["list_name", "owner"], name="saved_view_of_list"),)

    def __str__(self) -> str:
        return self.name


class BulkEdit(Row):
    """One change of the same fields on many rows, under one correlation id, which its maker may take back."""

    scope: ClassVar = Scope(person="made_by")
    privacy: ClassVar = {"list_name": Privacy.INTERNAL, "correlation_id": Privacy.INTERNAL, "fields": Privacy.INTERNAL}

    list_name = models.CharField(_("list"), max_length=80)
    fields = models.JSONField(_("fields"), default=list)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bulk_edits", verbose_name=_("made by")
    )
    correlation_id = models.CharField(_("correlation"), max_length=64, default=correlation_id, blank=True)
    changed = models.PositiveIntegerField(_("rows changed"), default=0)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk edit")
        verbose_name_plural = _("bulk edits")
        ordering = ("-created_at", "id")
        indexes = (models.Index(fields=["made_by", "-created_at"], name="bulk_edit_of_person"),)

    def __str__(self) -> str:
        return f"{self.list_name} · {self.changed}"

    def close(self) -> None:
        """Mark the change as taken back, in the caller's transaction."""
        self.undone_at = clock.now()
        self.save(update_fields=["undone_at", "updated_at"])


class BulkEditRow(Row):
    """One row of a bulk edit: what stood there before and what was put there, by field, as the form shows it."""

    scope: ClassVar = Scope.through("edit")
    privacy: ClassVar = {
        "target_id": Privacy.INTERNAL,
        "label": Privacy.PERSONAL,
        "before": Privacy.PERSONAL,
        "after": Privacy.PERSONAL,
        "reason": Privacy.INTERNAL,
    }

    edit = models.ForeignKey(BulkEdit, on_delete=models.CASCADE, related_name="rows", verbose_name=_("bulk edit"))
    target_id = models.CharField(_("record"), max_length=64)
    label = models.CharField(_("record"), max_length=200, blank=True)
    before = models.JSONField(_("before"), default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(_("after"), default=dict, encoder=DjangoJSONEncoder)
    result = models.CharField(_("result"), max_length=8, choices=RowResult, default=RowResult.CHANGED)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("row of a bulk edit")
        verbose_name_plural = _("rows of a bulk edit")
        ordering = ("label", "id")

    def __str__(self) -> str:
        return self.label
