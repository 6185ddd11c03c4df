"""The product's own web application with one address more: a view without sign-in that does one UPDATE."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.test.utils import override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from config import wsgi  # isort: skip -- sets Django up
from config import urls as product


@csrf_exempt
def bare(request: HttpRequest) -> JsonResponse:
    """One UPDATE by primary key, autocommit, and a small answer."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bench_bare SET beats = beats + 1, at = now() WHERE id = %s", [request.GET["id"]])
    response = JsonResponse({"done": True})
    response["Content-Length"] = str(len(response.content))
    return response


product.urlpatterns.insert(0, path("bare", bare))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`/bare` goes through a handler without any middleware, everything else through the product's."""
    chosen = _BARE if environ["PATH_INFO"] == "/bare" else wsgi.application
    return chosen(environ, start_response)


def _bare_handler() -> Any:
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415 -- settings must be overridden first

    with override_settings(MIDDLEWARE=[]):
        return WSGIHandler()


_BARE = _bare_handler()
