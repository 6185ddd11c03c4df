"""Answers health pages without a transaction, and gives bare error answers the site's error page."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve

from website.views.errors import error_page
from website.views.health import is_allowed

PAGES = frozenset({405, 413, 429})
PLAIN_HEALTH = frozenset({"/healthz", "/api/health"})
DEEP_HEALTH = "/api/health/"


class HealthMiddleware:
    """Answers a health page before session, context and their transaction: it must speak when these cannot."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path in PLAIN_HEALTH or (path.startswith(DEEP_HEALTH) and is_allowed(request)):
            view, arguments, named = resolve(path)
            try:
                return view(request, *arguments, **named)
            except Http404:
                return HttpResponse(status=404)
        return self.get_response(request)


class ErrorPageMiddleware:
    """Fills an empty 405, 413 or 429 for a reader who accepts HTML; every header of the answer is kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_bare = response.status_code in PAGES and not response.streaming and not response.content
        if is_bare and "text/html" in request.headers.get("Accept", ""):
            page = error_page(request, response.status_code)
            response.content = page.content
            response["Content-Type"] = page["Content-Type"]
        return response
