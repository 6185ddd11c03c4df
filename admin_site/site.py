"""The console's site."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.i18n import set_language
from unfold.sites import UnfoldAdminSite

from admin_site import dashboard, palette
from admin_site.views.why import why_view

# Django's shortcut by content type and id would answer for rows out of sight.
_LEFT_OUT = frozenset({"view_on_site"})


class ConsoleSite(UnfoldAdminSite):
    """Where staff work. Only what `console_register` brings in is here; no package's admin is discovered."""

    enable_nav_sidebar = True
    index_template = "console/index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whoever has a platform role, an active membership or an explicit grant; Django's flags say nothing."""
        actor = getattr(request, "actor", None)
        if actor is None or not request.user.is_active:
            return False
        return bool(actor.platform_role or actor.memberships or actor.granted or actor.object_grants)

    def get_urls(self) -> list[Any]:
        own = [
            path("language/", set_language, name="set_language"),
            path("why/", self.admin_view(partial(why_view, self)), name="why"),
        ]
        return own + [pattern for pattern in super().get_urls() if getattr(pattern, "name", "") not in _LEFT_OUT]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Every page of the console, in the language the person chose: addresses here carry none."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def in_language(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            language = language_of(request)
            translation.activate(language)
            request.LANGUAGE_CODE = language
            return guarded(request, *args, **kwargs)

        return in_language

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The role home: queues of waiting work."""
        context = {
            **self.each_context(request),
            "title": _("Home"),
            "boards": dashboard.boards(request),
            "weeks": dashboard.issued_by_week(request),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return TemplateResponse(request, self.index_template, context)

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Answer the palette afresh on each call: rights may have changed since the last one."""
        started = time.monotonic()
        found = palette.find(request, request.GET.get("s", ""))
        pages = Paginator(found, max(len(found), 1))
        context = {
            "page_obj": pages, "results": pages.page(1), "page_counter": 0, "command_show_history": False,
            "execution_time": time.monotonic() - started,
        }  # fmt: skip
        return TemplateResponse(
            request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"}
        )

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The one sign-in page of the product; who is signed in but no staff is refused."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            target = reverse(f"{self.name}:index")
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if request.user.is_authenticated:
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': target})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        logout(request)
        return HttpResponseRedirect("/")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))


def language_of(request: HttpRequest) -> str:
    """The language chosen in the console, else the person's own, else the product's."""
    known = dict(settings.LANGUAGES)
    for wish in (request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME), getattr(request.user, "language", "")):
        if wish in known:
            return wish
    return settings.LANGUAGE_CODE


console = ConsoleSite(name="admin")
