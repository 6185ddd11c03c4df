"""Set the second step up and change it: the package's pages, with what a change brings about."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.protection import note_factor_change
from accounts.second_factor import has_factor, mark_activated
from accounts.sessions import passed_second_step
from organizations.policies import needs_second_factor

NEXT = "second_step_next"


@never_cache
@login_required
@require_safe
def second_step(request: Any) -> HttpResponse:
    """Why a second step is needed, and the two ways to set it up; leads on when there is nothing left to do."""
    target = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        request.session[NEXT] = target
    if passed_second_step(request) or not needs_second_factor(request.actor):
        return HttpResponseRedirect(request.session.pop(NEXT, "") or reverse("mfa_index"))
    if has_factor(request.user):
        return HttpResponseRedirect(reverse("mfa_reauthenticate"))
    return render(request, "website/account/second_step.html")


class _Changes:
    """After the package's own work: evidence, the end of other sessions, and the proof that was just given."""

    what = ""
    proves = ""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # -- the package's view is the parent
        request: HttpRequest = self.request  # type: ignore[attr-defined]  # -- the package's view has it
        note_factor_change(request, request.user, self.what)  # type: ignore[arg-type]  # -- signed in, see the parent
        if self.proves:
            record_authentication(request, request.user, "mfa", type=self.proves)
        return response


@method_decorator(never_cache, name="dispatch")
@method_decorator(login_required, name="dispatch")
class ActivateApp(_Changes, ActivateTOTPView):
    what, proves = "app added", Authenticator.Type.TOTP

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        mark_activated(self.request.user, form.cleaned_data["code"])
        return response


@method_decorator(never_cache, name="dispatch")
class DeactivateApp(_Changes, DeactivateTOTPView):
    what = "app removed"


@method_decorator(never_cache, name="dispatch")
@method_decorator(login_required, name="dispatch")
class AddPasskey(_Changes, AddWebAuthnView):
    what, proves = "passkey added", Authenticator.Type.WEBAUTHN


@method_decorator(never_cache, name="dispatch")
@method_decorator(login_required, name="dispatch")
class RemovePasskey(_Changes, RemoveWebAuthnView):
    what = "passkey removed"


@method_decorator(never_cache, name="dispatch")
@method_decorator(login_required, name="dispatch")
class NewBackupCodes(_Changes, GenerateRecoveryCodesView):
    what = "backup codes renewed"


activate_app = ActivateApp.as_view()
deactivate_app = DeactivateApp.as_view()
add_passkey = AddPasskey.as_view()
remove_passkey = RemovePasskey.as_view()
new_backup_codes = NewBackupCodes.as_view()
