"""After sign-in: to where the person works."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from website.hats import hats
from website.pages import page_url


@never_cache
@require_safe
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    """To the place of the highest rank."""
    return HttpResponseRedirect(hats(request.user)[0].url)


@never_cache
@require_safe
@login_required
def place(request: HttpRequest, name: str) -> HttpResponse:
    """To the page that is this place: the console's home for staff, their courses for clients. A place that is not
    the person's leads to their own."""
    mine = {hat.place for hat in hats(request.user)}
    if name == "client":
        return HttpResponseRedirect(page_url("my"))
    if name not in mine:
        return HttpResponseRedirect(reverse("website:dashboard"))
    return HttpResponseRedirect(f"{reverse('admin:index')}?{urlencode({'as': name})}")
