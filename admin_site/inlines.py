"""Related rows on a record's page: shown, never written from there."""

from __future__ import annotations

from django.db import models
from django.http import HttpRequest
from unfold.admin import StackedInline, TabularInline

from admin_site.scoping import ScopedFieldsMixin, rows_of


class _ReadOnlyInline(ScopedFieldsMixin):
    """Rows on which the person holds the view permission. Writing goes through actions."""

    read_only = True
    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True
    tab = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        rows = rows_of(self.model, request, self.permission("view"))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_verb(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class ConsoleTabularInline(_ReadOnlyInline, TabularInline):
    """A table of related rows: `inlines = (AcknowledgementInline,)`."""


class ConsoleStackedInline(_ReadOnlyInline, StackedInline):
    """Related rows one below the other."""
