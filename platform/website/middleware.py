"""Gives bare error answers the site's error page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from website.views.errors import error_page

PAGES = frozenset({405, 413, 429})


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
