"""Error pages: what happened, in plain words, and the one thing to do next."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from core.shedding import is_unavailable, unavailable_response


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """The site's page for `status`; there must be a template of that number."""
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handler for 400; a body over the limit is answered as what it is, 413."""
    return error_page(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handler for 403."""
    return error_page(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Handler for a form whose security token is missing or old; the reason is for logs, not for readers."""
    return error_page(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Handler for 404; says the same whether a thing does not exist or is not the reader's."""
    return error_page(request, 404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Handler for 429."""
    return error_page(request, 429)


def server_error(request: HttpRequest) -> HttpResponse:
    """Handler for 500; where database or disk cannot serve it is 503, to be tried again."""
    if is_unavailable(sys.exc_info()[1]):
        return unavailable_response(request)
    return defaults.server_error(request)
