"""Health pages. The plain ones say that the web answers; the deep ones look, and are there for a token only."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from website.health import PROBES, look

HEADER = "x-healthcheck-token"


def is_allowed(request: HttpRequest) -> bool:
    """Whether the request carries the token; nobody does while none is set."""
    told, wanted = request.headers.get(HEADER, ""), settings.HEALTHCHECK_TOKEN
    return bool(wanted) and constant_time_compare(told, wanted)


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches neither database nor disk."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def deep(request: HttpRequest, name: str) -> HttpResponse:
    """One probe, or all of them as `ready`: 200 when well, 503 when not, 404 without the token."""
    names = tuple(PROBES) if name == "ready" else (name,)
    if not is_allowed(request) or not set(names) <= PROBES.keys():
        raise Http404
    found = {each: look(each) for each in names}
    is_well = all(well for well, _ in found.values())
    answer = {each: well for each, (well, _) in found.items()}
    facts = {each: dict(said) for each, (_, said) in found.items()}
    body = {"status": "ok" if is_well else "degraded", **answer, "facts": facts}
    return JsonResponse(body, status=200 if is_well else 503)
