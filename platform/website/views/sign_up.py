"""Sign up: by invitation, or openly where the installation allows it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.signup import complete_signup
from allauth.account.views import SignupView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from core import clock, limits
from organizations.guards import unusable
from organizations.models import Invitation
from organizations.queries import find_invitation
from organizations.services.invitations import refresh_invitation
from website.forms.account import AskAgainForm, SignUpForm
from website.sign_in import let_in
from website.views.invitations import unusable_page

PAUSE = dt.timedelta(minutes=5)


class SignUp(SignupView):
    """With `?invitation=TOKEN` the address is fixed, and counts as proved when the link came by mail. Without it the
    page is open only under ALLOW_PUBLIC_SIGNUP; otherwise it explains why not and sends a lost link again."""

    form_class = SignUpForm
    template_name = "website/sign_up/form.html"
    invitation: Invitation | None = None
    token = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.token = request.GET.get("invitation", "")
        if self.token:
            self.invitation = find_invitation(self.token)
            if self.invitation is None or unusable(self.invitation):
                return unusable_page(request)
        return super().dispatch(request, *args, **kwargs)

    def is_open(self) -> bool:
        return self.invitation is not None or bool(settings.ALLOW_PUBLIC_SIGNUP)

    def closed(self) -> HttpResponse:
        return ask_again(self.request)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"invitation": self.invitation}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"invitation": self.invitation}

    def get_authenticated_redirect_url(self) -> str:
        return (
            reverse("website:invitation", args=[self.token]) if self.token else super().get_authenticated_redirect_url()
        )

    def get_default_success_url(self) -> str | None:
        """A link that was handed over is accepted after the address is proved, on the invitation's own page."""
        if self.invitation is None or self.invitation.sent_at is not None:
            return None
        return reverse("website:invitation", args=[self.token])

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        if self.invitation is not None and form.account_already_exists:
            return HttpResponseRedirect(reverse("website:invitation", args=[self.token]))
        mailed = self.invitation if self.invitation is not None and self.invitation.sent_at is not None else None
        if mailed is not None:
            get_adapter().stash_verified_email(self.request, mailed.email)
        self.user, response = form.try_save(self.request)
        if response is not None:
            return response
        if mailed is not None:
            let_in(self.request, mailed, self.user)
        return complete_signup(self.request, user=self.user, redirect_url=self.get_success_url())

    def form_invalid(self, form: SignUpForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


sign_up = SignUp.as_view()
sign_up.signs_in = True  # read by ContextMiddleware


def ask_again(request: HttpRequest) -> HttpResponse:
    """Sign-up is by invitation only: say so, and mail the link of every open invitation of an address again.

    The answer is the same whether there is one or not.
    """
    form = AskAgainForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "website/sign_up/closed.html", {"form": form}, status=422 if form.errors else 200)
    email = form.cleaned_data["email"]
    limits.hit("invitation_again", email.lower(), limit=3, seconds=3600)
    lately = clock.now() - PAUSE
    for invitation in Invitation.objects.usable().filter(email__iexact=email, sent_at__lt=lately).order_by("pk"):
        refresh_invitation(invitation)
    return render(request, "website/sign_up/asked.html", {"email": email})
