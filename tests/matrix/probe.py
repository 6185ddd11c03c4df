"""Looks at the database from inside of each request, just before its view runs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import connection

INSIDE = "core.middleware.ContextMiddleware"


class ContextProbe:
    """A middleware for the matrix alone: whose role and whose settings the view runs under."""

    seen: ClassVar[list[dict[str, str]]] = []

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, coalesce(current_setting('app.scope', true), ''),"
                " coalesce(current_setting('app.user_id', true), ''),"
                " coalesce(current_setting('app.organizations', true), '')"
            )
            names = ("login", "scope", "user", "organizations")
            self.seen.append(dict(zip(names, cursor.fetchone(), strict=True)))


def middleware() -> list[str]:
    """The product's own middlewares with the probe right inside the one that sets the context."""
    found = list(settings.MIDDLEWARE)
    found.insert(found.index(INSIDE) + 1, f"{__name__}.ContextProbe")
    return found
