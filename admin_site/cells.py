"""The rows of a list as HTML, written straight: what a column shows is decided once a page, not once a cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import display_for_field, label_for_field
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

NOTHING = SafeString('<span class="list-nothing">–</span>')
Show = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its label as text, and what it shows of a row as safe HTML."""

    name: str
    label: str
    show: Show


def columns_of(cl: Any) -> list[Column]:
    """The columns of a list without the tick box."""
    return [_column(cl, entry) for entry in cl.list_display if entry != "action_checkbox"]


def _column(cl: Any, entry: Any) -> Column:
    name = entry if isinstance(entry, str) else entry.__name__
    label = str(label_for_field(entry, cl.model, model_admin=cl.model_admin))
    return Column(name, label[:1].upper() + label[1:], _shower(cl, entry, name))


def _shower(cl: Any, entry: Any, name: str) -> Show:
    method = entry if callable(entry) else getattr(cl.model_admin, name, None)
    if method is None:
        try:
            return _of_field(cl.lookup_opts.get_field(name))
        except FieldDoesNotExist:
            return lambda row: shown(_called(getattr(row, name)))
    if getattr(method, "boolean", False):
        return _forgiving(lambda row: _tick(method(row)))
    return _forgiving(lambda row: shown(method(row)))


def _forgiving(show: Show) -> Show:
    """A row that is gone shows as nothing, as everywhere in Django's admin."""

    def careful(row: Any) -> Any:
        try:
            return show(row)
        except ObjectDoesNotExist:
            return NOTHING

    return careful


def _called(value: Any) -> Any:
    return value() if callable(value) else value


def _of_field(field: Any) -> Show:
    name = field.attname
    if field.is_relation:
        return _forgiving(lambda row: shown(getattr(row, field.name)))
    if field.choices:
        words = {value: conditional_escape(str(label)) for value, label in field.flatchoices}
        return lambda row: words.get(getattr(row, name)) or shown(getattr(row, name))
    if isinstance(field, models.BooleanField):
        return lambda row: _tick(getattr(row, name))
    if isinstance(field, models.DateField | models.CharField | models.TextField):
        return lambda row: shown(getattr(row, name))
    return lambda row: conditional_escape(display_for_field(getattr(row, name), field, NOTHING))


def shown(value: Any) -> Any:
    """Any value as safe HTML: days and moments in the reader's format and the console's zone, nothing as a dash."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, dt.datetime):
        return conditional_escape(date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT"))
    if isinstance(value, dt.date):
        return conditional_escape(date_format(value, "SHORT_DATE_FORMAT"))
    if isinstance(value, bool):
        return _tick(value)
    return conditional_escape(value)


def _tick(value: bool | None) -> SafeString:
    if value is None:
        return NOTHING
    icon, word, tone = ("check", _("Yes"), "good") if value else ("close", _("No"), "soft")
    return format_html(
        '<span class="material-symbols-outlined list-tick console-tone-{}" role="img" aria-label="{}">{}</span>',
        tone, word, icon,
    )  # fmt: skip


def rows_html(cl: Any, *, ticked: bool, menu: bool) -> SafeString:
    """All rows of the page. The first column is the row's heading and leads to the record; the others carry their
    label for narrow screens. Everything put in is escaped or safe already."""
    columns = columns_of(cl)
    labels = [conditional_escape(column.label) for column in columns]
    base = cl.model_admin.record_base()
    suffix = (
        add_preserved_filters({"preserved_filters": cl.preserved_filters, "opts": cl.opts}, "?") if _short(cl) else ""
    )
    suffix = conditional_escape(suffix.removeprefix("?") and suffix)
    linked = cl.list_display_links is not None
    tick_word, menu_word = conditional_escape(_("Select this row")), conditional_escape(_("What can be done"))
    lines = []
    for row in cl.result_list:
        pk = conditional_escape(row.pk)
        cells = [f'<tr class="list-row" data-pk="{pk}">']
        if ticked:
            cells.append(
                f'<td class="list-tickbox"><input type="checkbox" name="_selected_action" value="{pk}"'
                f' class="action-select" aria-label="{tick_word}"></td>'
            )
        for position, column in enumerate(columns):
            text = column.show(row)
            if position:
                cells.append(f'<td data-l="{labels[position]}">{text}</td>')
            elif linked:
                popup = f' data-popup-opener="{pk}"' if cl.is_popup else ""
                cells.append(f'<th scope="row"><a href="{base}{pk}/change/{suffix}"{popup}>{text}</a></th>')
            else:
                cells.append(f'<th scope="row">{text}</th>')
        if menu:
            cells.append(f'<td class="list-more"><button type="button" aria-label="{menu_word}">⋯</button></td>')
        lines.append("".join(cells) + "</tr>")
    return SafeString("".join(lines))


def _short(cl: Any) -> bool:
    """A long address would be repeated in every row."""
    return len(cl.preserved_filters) <= 300
