"""What is asked of a signed-in session at every request, and how often the pages around signing in may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.limits import PAGES
from accounts.second_factor import has_factor
from accounts.sessions import SEEN_AT, now_stamp, passed_second_step
from core.errors import DomainError
from core.limits import hit
from core.refusals import refusal_response, wants_json
from organizations.policies import needs_second_factor

EVERY_SECONDS = 60
# What a person may reach who still owes the second step: setting it up, proving it, leaving, the language.
OPEN = frozenset(
    {
        "account_logout", "account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn",
        "mfa_download_recovery_codes", "mfa_generate_recovery_codes", "mfa_index", "mfa_list_webauthn",
        "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_view_recovery_codes", "admin:set_language",
        "admin:logout", "website:second_step", "website:not_me", "robots",
    }
)  # fmt: skip
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class SessionActivityMiddleware:
    """Notes the activity of a signed-in session once a minute.

    The package's own middleware writes at every request, which makes a person's requests wait for one another.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and not settings.DB_READ_ONLY:
            now = now_stamp()
            if now - request.session.get(SEEN_AT, 0) >= EVERY_SECONDS:
                UserSession.objects.create_from_request(request)
                request.session[SEEN_AT] = now
        return self.get_response(request)


class SecondFactorMiddleware:
    """Who needs a second step and has not done it in this session gets nowhere but to doing it.

    Asked at every request, so a rule that becomes stricter bites sessions that are open already.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not request.user.is_authenticated or request.resolver_match.view_name in OPEN:
            return None
        if passed_second_step(request) or not needs_second_factor(request.actor):
            return None
        if wants_json(request):
            return refusal_response(request, DomainError("second_factor_needed"))
        back = {"next": request.get_full_path()} if request.method in ("GET", "HEAD") else {}
        name = "mfa_reauthenticate" if has_factor(request.user) else "website:second_step"
        return HttpResponseRedirect(reverse(name) + (f"?{urlencode(back)}" if back else ""))


class RateLimitMiddleware:
    """Counts what is sent to the pages of `accounts.limits.PAGES`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        name = request.resolver_match.view_name
        limit = PAGES.get(name)
        if limit is None or request.method != "POST":
            return None
        signed_in = limit.per == "person" and request.user.is_authenticated
        who = str(request.user.pk) if signed_in else str(get_adapter().get_client_ip(request))
        try:
            hit(f"page.{name}", who, limit=limit.uses, seconds=limit.seconds)
        except DomainError as refusal:
            return refusal_response(request, refusal)
        return None
