"""The page behind "it was not me": the owner of the mailbox takes the account back."""

from __future__ import annotations

from allauth.account.forms import default_token_generator
from allauth.account.internal.flows.password_reset import request_password_reset
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.protection import read_not_me, take_back
from core.errors import DomainError


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def not_me(request: HttpRequest, token: str) -> HttpResponse:
    """GET says what will happen; POST ends every session, takes password and new factors away, and mails the link for
    a new password. A link that is forged, old or used gets one answer."""
    try:
        user, facts = read_not_me(token)
        if request.method != "POST":
            return render(request, "website/account/not_me.html", {"facts": facts})
        user = take_back(token)
    except DomainError as refusal:
        return render(request, "website/refusal.html", {"refusal": refusal}, status=refusal.status)
    request_password_reset(request, user.email, [user], default_token_generator)
    return render(request, "website/account/taken_back.html", {"email": user.email})


not_me.signs_in = True  # type: ignore[attr-defined]  # -- read by ContextMiddleware
