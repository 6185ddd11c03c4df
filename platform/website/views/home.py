"""The front page and the addresses that machines ask for."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What CertaOS does and the four ways in."""
    return render(request, "website/pages/home.html")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Only a production site asks to be found, and only with its public pages."""
    return render(
        request,
        "website/robots.txt",
        {"is_production": settings.ENVIRONMENT == "production"},
        content_type="text/plain; charset=utf-8",
    )
