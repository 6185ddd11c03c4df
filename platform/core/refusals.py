"""A refused rule as an HTTP answer: JSON for programs, a page for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from core.errors import DomainError


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller is a program: an API path, or one that prefers JSON."""
    return request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", "")


def refusal_response(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The answer with the error's own status; 429 says when to come back."""
    if wants_json(request):
        response: HttpResponse = JsonResponse({"error": error.as_dict()}, status=error.status)
    else:
        response = render(request, "website/refusal.html", {"refusal": error}, status=error.status)
    if error.status == 429:
        response["Retry-After"] = str(error.params.get("seconds", 60))
    return response
