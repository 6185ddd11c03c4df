"""System checks that refuse anything less than the console's own base."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.core.checks import CheckMessage, Error, register
from django.db.models.constants import LOOKUP_SEP

from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleStackedInline, ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.site import console
from resources.base import ConsoleResource

_MAY_ADD_ADDRESSES = (
    "admin_site.base", "admin_site.bulk_edit", "admin_site.exchange", "admin_site.exports", "admin_site.imports",
    "admin_site.saved_views", "unfold.", "django.",
)  # fmt: skip
_PACKAGE_HOOKS = ("actions", "actions_list", "actions_row", "actions_detail", "actions_submit_line", "custom_urls")


@register()
def check_console(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every admin class of the console, judged by the rules of `problems_of`."""
    return [problem for admin in console._registry.values() for problem in problems_of(admin)]  # noqa: SLF001 -- Django keeps no public list


def problems_of(admin: Any) -> list[CheckMessage]:
    """What is wrong with one registered admin class; empty when it may serve."""
    if not isinstance(admin, ConsoleModelAdmin):
        return [_error(admin, "does not derive from ConsoleModelAdmin.", "E101")]
    return [*_actions(admin), *_addresses(admin), *_fields(admin), *_filters(admin), *_resources(admin)]


def _actions(admin: Any) -> Iterator[CheckMessage]:
    for hook in _PACKAGE_HOOKS:
        if getattr(admin, hook, None):
            yield _error(admin, f"uses {hook} directly; declare post_action or console_view.", "E102")
    for name in dir(type(admin)):
        member = getattr(type(admin), name, None)
        if hasattr(member, "original_function_name") or hasattr(member, "allowed_permissions"):
            yield _error(admin, f".{name} uses a package's action decorator; use post_action.", "E102")
    for declaration in (*admin.declared_actions(), *admin.declared_pages()):
        if "." not in (declaration.permission or ""):
            yield _error(admin, f".{declaration.name} declares no permission.", "E103")


def _addresses(admin: Any) -> Iterator[CheckMessage]:
    for base in type(admin).__mro__:
        ours = base.__module__.startswith(_MAY_ADD_ADDRESSES)
        if "get_urls" in vars(base) and not ours:
            yield _error(admin, f"{base.__name__}.get_urls adds addresses; declare console_view.", "E104")


def _fields(admin: Any) -> Iterator[CheckMessage]:
    if not (admin.fields or admin.fieldsets):
        yield _error(admin, "declares neither fields nor fieldsets.", "E105")
    if admin.list_editable:
        yield _error(admin, "edits rows in the list.", "E105")
    for inline in admin.inlines:
        if not issubclass(inline, ConsoleTabularInline | ConsoleStackedInline):
            yield _error(admin, f"{inline.__name__} is no console inline.", "E106")


def _filters(admin: Any) -> Iterator[CheckMessage]:
    for declared in admin.list_filter:
        if isinstance(declared, type):
            if not issubclass(declared, SimpleListFilter):
                yield _error(admin, f"{declared.__name__} is no list filter.", "E107")
            continue
        path, chosen = declared if isinstance(declared, tuple | list) else (declared, None)
        scoped = chosen is not None and issubclass(chosen, ScopedRelatedFilter)
        if _is_relation(admin.model, path) and not scoped:
            yield _error(admin, f"filters by {path} without ScopedRelatedFilter.", "E107")


def _is_relation(model: Any, path: str) -> bool:
    try:
        return bool(get_fields_from_path(model, path)[-1].is_relation)
    except NotRelationField:
        return LOOKUP_SEP in path


def _resources(admin: Any) -> Iterator[CheckMessage]:
    resource = getattr(admin, "resource_class", None)
    if resource is None:
        return
    if not issubclass(resource, ConsoleResource):
        yield _error(admin, f"{resource.__name__} does not derive from ConsoleResource.", "E108")
    else:
        for problem in resource.problems():
            yield _error(admin, f"{resource.__name__} {problem}.", "E108")


def _error(admin: Any, sentence: str, number: str) -> Error:
    return Error(f"{type(admin).__name__} {sentence}", obj=type(admin), id=f"console.{number}")
