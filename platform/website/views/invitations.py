"""The page behind the link of an invitation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.queries import has_login
from organizations.guards import not_addressed_to, unusable
from organizations.models import Invitation
from organizations.queries import find_invitation
from website.sign_in import let_in


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Who invites whom to what, and the one way in: sign up, sign in, or accept with one press.

    Looking changes nothing. An unknown, used, expired and revoked link get the same answer.
    """
    found = find_invitation(token)
    user = request.user if isinstance(request.user, User) else None
    if found is not None and user is not None and found.accepted_by_id == user.pk:
        return HttpResponseRedirect(reverse("website:dashboard"))
    if found is None or unusable(found):
        return unusable_page(request)
    if user is None:
        return render(request, "website/invitations/welcome.html", _ways_in(found, token))
    if not_addressed_to(found, user):
        return render(request, "website/invitations/other_account.html", {"invitation": found}, status=403)
    if request.method == "POST":
        let_in(request, found, user)
        return HttpResponseRedirect(reverse("website:dashboard"))
    return render(request, "website/invitations/accept.html", {"invitation": found})


invitation.signs_in = True  # type: ignore[attr-defined]  # -- read by ContextMiddleware


def unusable_page(request: HttpRequest) -> HttpResponse:
    """The one answer for every link that does not work."""
    return render(request, "website/invitations/unusable.html", status=410)


def _ways_in(found: Invitation, token: str) -> dict[str, object]:
    here = reverse("website:invitation", args=[token])
    return {
        "invitation": found,
        "has_login": has_login(found.email),
        "sign_up_url": f"{reverse('website:sign_up')}?{urlencode({'invitation': token})}",
        "sign_in_url": f"{reverse('account_login')}?{urlencode({'next': here})}",
    }
