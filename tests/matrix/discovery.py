"""Every act there is: each address of the resolver with each method, and what the console's registry adds to it.

Nothing is listed by hand. An act is named `VERB area/noun/what`: `GET site/-/verify`, `POST console/payments.payment/
do:refund`, `GET console/enrollments.enrollment/inline:disclosureacknowledgement`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from admin_site.base import ConsoleModelAdmin
from admin_site.exports import ConsoleExport
from admin_site.lists import ScopedRelatedFilter
from admin_site.site import console
from resources.exporting import FORMATS

_PAGES = {"changelist": "list", "change": "record", "simple_history": "version", "import_example": "example"}


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be asked for. `route` and `arguments` make the address, `model` says whose row fills it."""

    verb: str
    area: str
    noun: str
    what: str
    route: str
    pattern: str
    arguments: tuple[tuple[str, str], ...] = ()
    model: type[models.Model] | None = None
    detail: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return f"{self.verb} {self.area}/{self.noun}/{self.what}"

    @property
    def has_row(self) -> bool:
        return bool(self.arguments) and self.model is not None

    def __str__(self) -> str:
        return self.name


def discover() -> list[Act]:
    """All acts, in the order of the resolver; the same name twice is an error."""
    # An address declared twice answers with its first view; the second is out of reach.
    found = list({(act.name, act.pattern): act for act in reversed(list(_from_resolver()))}.values())[::-1]
    ours = [admin for admin in console._registry.values() if isinstance(admin, ConsoleModelAdmin)]
    found += [extra for admin in ours for extra in _from_registry(admin, found)]
    names = [act.name for act in found]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise AssertionError(f"two acts of one name: {sorted(doubled)}")
    return found


def _patterns(resolver: Any, namespaces: tuple[str, ...] = (), prefix: str = "") -> Iterator[tuple[Any, str, str]]:
    for entry in resolver.url_patterns:
        text = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = (*namespaces, entry.namespace) if entry.namespace else namespaces
            yield from _patterns(entry, inner, text)
        elif isinstance(entry, URLPattern):
            yield entry, ":".join((*namespaces, entry.name or "")), text


def _from_resolver() -> Iterator[Act]:
    for entry, route, text in _patterns(get_resolver()):
        area, noun, what, model = _place(entry, route, text)
        arguments = _arguments(entry, text)
        for verb in ("GET", "POST"):
            yield Act(verb, area, noun, what, route, text, arguments, model)


def _arguments(entry: URLPattern, text: str) -> tuple[tuple[str, str], ...]:
    """The names and kinds of what fills the address; positional groups of a regular expression are `0`, `1`, …"""
    kinds = {"int": "IntConverter", "uuid": "UUIDConverter", "slug": "SlugConverter", "path": "PathConverter"}
    words = re.findall(r"(?<!\?P)<(?:(\w+):)?(\w+)>", text)
    converters = {name: kinds.get(kind, "StringConverter") for kind, name in words}
    regex = getattr(entry.pattern, "regex", None)
    if not converters and regex is not None:
        names = regex.groupindex or {str(number): number for number in range(regex.groups)}
        converters = dict.fromkeys(names, "regex")
    return tuple(converters.items())


def _place(entry: URLPattern, route: str, text: str) -> tuple[str, str, str, type[models.Model] | None]:
    name = entry.name or ""
    if not text.startswith("console/"):
        return _area_of(text, route), "-", name or text, None
    admin = getattr(entry.callback, "model_admin", None)
    model = getattr(admin, "model", None)
    if model is None:
        return "console", "-", name or "anything", None
    meta = model._meta
    page = name.removeprefix(f"{meta.app_label}_{meta.model_name}_")
    declared = {page.name for page in admin.declared_pages()} if isinstance(admin, ConsoleModelAdmin) else set()
    if page in declared:
        return "console", meta.label_lower, f"page:{page}", model
    for prefix, mark in (("do_", "do:"), ("bulk_", "bulk:")):
        if page.startswith(prefix):
            page = mark + page.removeprefix(prefix)
    if page == "options" and not related_filters(admin):
        page = "no_options"
    return "console", meta.label_lower, _PAGES.get(page, page), model


def related_filters(admin: Any) -> list[str]:
    """The filters of a list that look up what they offer."""
    declared = [each for each in admin.list_filter if isinstance(each, tuple | list)]
    return [name for name, kind in declared if issubclass(kind, ScopedRelatedFilter)]


def _area_of(text: str, route: str) -> str:
    if text.startswith("accounts/"):
        return "accounts"
    return "site" if route.startswith("website:") else "plain"


def _from_registry(admin: ConsoleModelAdmin, known: list[Act]) -> Iterator[Act]:
    """What one address of the console does in several ways: ticked rows, formats, inlines, choices, filters."""
    own = {act.name: act for act in known if act.model is admin.model}
    label = admin.model._meta.label_lower

    def as_part(verb: str, page: str, what: str, **detail: Any) -> Act:
        base = own[f"{verb} console/{label}/{page}"]
        return Act(verb, "console", label, what, base.route, base.pattern, base.arguments, admin.model, detail)

    parts = [
        ("POST", "list", f"ticked:{action.name}", "action", action.name)
        for action in admin.declared_actions()
        if action.bulk
    ]
    parts += [
        ("GET", "record", f"inline:{inline.model._meta.model_name}", "inline", inline) for inline in admin.inlines
    ]
    parts += [("GET", "add", f"choices:{name}", "choices", name) for name in _relations(admin)]
    parts += [("GET", "list", f"filter:{name}", "filter", name) for name in _filters(admin)]
    parts += [("POST", "list", f"edit:{name}", "edit", name) for name in admin.list_editable]
    if isinstance(admin, ConsoleExport):
        parts += [("POST", "export", f"export:{name}", "format", name) for name in FORMATS]
    yield from (as_part(verb, page, what, **{mark: value}) for verb, page, what, mark, value in parts)
    for name in admin.autocomplete_fields:
        yield Act(
            "GET", "console", label, f"autocomplete:{name}", "admin:autocomplete", "console/autocomplete/",
            model=admin.model, detail={"autocomplete": name},
        )  # fmt: skip


def _relations(admin: ConsoleModelAdmin) -> Iterator[str]:
    for name in admin._declared_names():
        column = next((field for field in admin.model._meta.fields if field.name == name), None)
        if column is not None and column.is_relation and column.editable:
            yield name


def _filters(admin: ConsoleModelAdmin) -> Iterator[str]:
    for declared in admin.list_filter:
        yield (
            declared.parameter_name
            if isinstance(declared, type)
            else (declared[0] if isinstance(declared, tuple | list) else declared)
        )
