"""Lists of the console as sources of exports: what an address with its filters and search shows.

The console declares its lists here, so that work in the background can read the same rows without knowing the console.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models

from core.context import Actor

ListReader = Callable[[Any, Actor, str], models.QuerySet]
_LISTS: dict[str, ListReader] = {}


def declare_list(resource: str, reader: ListReader) -> None:
    """Let `reader(user, actor, query)` answer for the list behind the resource of this name."""
    _LISTS[resource] = reader


def listed_rows(resource: str, user: Any, actor: Actor, query: str) -> models.QuerySet | None:
    """The rows that the list of `resource` shows to `user` under the filters in `query`; None, everything in sight,
    for a resource without a list. DomainError `export_filter_invalid`."""
    reader = _LISTS.get(resource)
    return reader(user, actor, query) if reader is not None else None
