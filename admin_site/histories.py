"""What a record looked like before: old versions of rows in sight, never restored from here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from admin_site.scoping import choices_of
from core.privacy import Privacy

PER_PAGE = 50
_HIDDEN = frozenset({Privacy.SENSITIVE, Privacy.SECRET})


@dataclass(frozen=True, slots=True)
class Change:
    """One column between two versions, as people read it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """One saved state: who made it, when, why, and what changed since the one before."""

    id: Any
    at: Any
    kind: str
    who: str
    reason: str
    changes: tuple[Change, ...]


class HistoryViewsMixin:
    """History list and single version of a record.

    The record is resolved through `get_queryset` first, so a foreign, hidden or deleted row is 404. Nothing is ever
    written here: other methods than GET are 405. Only columns the person sees on the record are compared, and never
    sensitive or secret ones.
    """

    history_columns: Sequence[str] = ()

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row, refused = self._past_of(request, object_id)
        if refused is not None:
            return refused
        records = self.model.history.filter(**{self.opts.pk.attname: row.pk}).order_by("-history_date", "-history_id")
        page = Paginator(records, PER_PAGE).get_page(request.GET.get("p"))
        shown = list(page.object_list)
        older = list(records[page.end_index() : page.end_index() + 1])
        context = {"page": page, "versions": self.versions(request, row, shown, older), "row": row}
        return self._history_page(request, "console/history.html", _("History"), row, context)

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        row, refused = self._past_of(request, object_id)
        if refused is not None:
            return refused
        try:
            record = self.model.history.get(**{self.opts.pk.attname: row.pk, "history_id": version_id})
        except (self.model.history.model.DoesNotExist, ValidationError, ValueError):
            raise Http404 from None
        columns = self.columns_of_history(request, row)
        labels = self._labels(request, columns, [record])
        context = {
            "row": row,
            "version": self.versions(request, row, [record], [])[0],
            "columns": [(_title(field), self._shown(record, field, labels)) for field in columns],
        }
        return self._history_page(request, "console/history_version.html", _("Earlier version"), row, context)

    def versions(
        self, request: HttpRequest, row: models.Model, shown: Sequence[Any], older: Sequence[Any] = ()
    ) -> list[Version]:
        """`shown` (newest first) as versions with their changes; `older` is the one before the last of them."""
        columns = self.columns_of_history(request, row)
        labels = self._labels(request, columns, [*shown, *older])
        names = people_by_id({record.history_user_id for record in shown})
        before = [*shown[1:], *older, None][: len(shown)]
        return [
            Version(
                id=record.history_id,
                at=record.history_date,
                kind=record.history_type,
                who=names.get(record.history_user_id) or record.actor_label or _("unknown"),
                reason=record.history_change_reason or "",
                changes=self._changes(columns, labels, previous, record),
            )
            for record, previous in zip(shown, before, strict=True)
        ]

    def columns_of_history(self, request: HttpRequest, row: models.Model) -> list[models.Field]:
        """The tracked columns this person sees on the record, beside those in `history_columns`."""
        on_page = {*flatten_fieldsets(self.get_fieldsets(request, row)), *self.history_columns}
        on_page |= {*getattr(self.model, "transitions", {})}
        privacy = getattr(self.model, "privacy", {})
        return [
            field
            for field in self.model.history.model.tracked_fields
            if field.name in on_page and privacy.get(field.name) not in _HIDDEN
        ]

    def _past_of(self, request: HttpRequest, object_id: str) -> tuple[Any, HttpResponse | None]:
        row = self.get_object(request, unquote(object_id)) if hasattr(self.model, "history") else None
        if row is None:
            raise Http404
        if request.method not in {"GET", "HEAD"}:
            return row, HttpResponseNotAllowed(["GET", "HEAD"])
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row, None

    def _changes(self, columns: Iterable[Any], labels: Any, previous: Any, record: Any) -> tuple[Change, ...]:
        if previous is None:
            return ()
        return tuple(
            Change(_title(field), self._shown(previous, field, labels), self._shown(record, field, labels))
            for field in columns
            if getattr(previous, field.attname) != getattr(record, field.attname)
        )

    def _shown(self, record: Any, field: models.Field, labels: dict[tuple[str, Any], str]) -> str:
        value = getattr(record, field.attname)
        if value in (None, ""):
            return "–"
        if field.is_relation:
            return labels.get((field.name, value), _("(not visible to you)"))
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        return plain(value)

    def _labels(
        self, request: HttpRequest, columns: Iterable[models.Field], records: Iterable[Any]
    ) -> dict[tuple[str, Any], str]:
        """The names of related rows in sight: one query per related column that holds anything."""
        found: dict[tuple[str, Any], str] = {}
        records = list(records)
        for field in columns:
            keys = {getattr(record, field.attname) for record in records} - {None} if field.is_relation else set()
            if keys:
                related = choices_of(field.remote_field.model, request).filter(pk__in=keys)
                found |= {(field.name, item.pk): str(item) for item in related}
        return found

    def _history_page(
        self, request: HttpRequest, template: str, title: str, row: models.Model, context: dict[str, Any]
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        own = {"title": f"{title}: {row}", "opts": self.opts, "back": self.record_url(row), "object": row}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **own, **context})


def people_by_id(keys: Iterable[UUID | None]) -> dict[UUID, str]:
    """The names of people in sight of the acting person (row security decides); one query, none without keys."""
    wanted = {key for key in keys if key}
    return {user.pk: str(user) for user in User.objects.filter(pk__in=wanted)} if wanted else {}


def _title(field: models.Field) -> str:
    return capfirst(str(field.verbose_name))


def plain(value: Any) -> str:
    """A column's value as people write it: moments and days by the language, nothing as a dash."""
    if value in (None, ""):
        return "–"
    if isinstance(value, dt.datetime):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(value, dt.date):
        return date_format(value, "SHORT_DATE_FORMAT")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
