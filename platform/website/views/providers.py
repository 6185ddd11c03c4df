"""Find a provider, and ask to become one."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import DomainError
from providers.queries import offers_of, public_providers, spoken_languages
from providers.services.applications import submit_application
from website.forms.providers import ApplicationForm, ProviderFilterForm
from website.offers import card_of
from website.visitors import actor_of, is_program, visitor_ip

PER_PAGE = 20


@require_safe
def providers(request: HttpRequest) -> HttpResponse:
    """Approved and active providers, by district, course and language. Wrong filters are no filters."""
    form = ProviderFilterForm(request.GET, languages=spoken_languages())
    form.is_valid()
    wanted = form.cleaned_data
    found = public_providers(
        actor_of(request),
        kind=wanted.get("service", ""),
        court_id=wanted.get("district", ""),
        language=wanted.get("language", ""),
    )
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "filters": form,
        "is_filtered": any(wanted.values()),
        "page_obj": page,
        "total": page.paginator.count,
        "cards": [card_of(offer) for offer in offers_of(page.object_list)],
    }
    return render(request, "website/providers/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def become_provider(request: HttpRequest) -> HttpResponse:
    """The application of an agency; a good one is kept and leads to a page that says what comes next."""
    form = ApplicationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        thanks = HttpResponseRedirect(reverse("website:become_provider_thanks"))
        if is_program(request):
            return thanks
        try:
            submit_application(form.cleaned_data, ip=visitor_ip(request))
        except DomainError as refusal:
            if refusal.status == 429:
                raise
            form.add_error(None, str(refusal))
        else:
            return thanks
    return render(request, "website/providers/become.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def become_provider_thanks(request: HttpRequest) -> HttpResponse:
    return render(request, "website/providers/become_thanks.html")
