"""Before a dangerous act: is it still the person who signed in?"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from accounts.limits import try_secret, was_right
from accounts.second_factor import use_code
from accounts.sessions import is_fresh
from core.errors import DomainError


class ProofForm(forms.Form):
    """A form that asks for the password, or a code, when the last proof is older than FRESH_MINUTES; then everything
    else that was filled in stays. A right answer counts for the acts after it as well."""

    request: HttpRequest

    def ask_for_proof(self) -> None:
        """Add the question unless a proof is fresh."""
        if not is_fresh(self.request):
            self.fields["proof"] = forms.CharField(
                label=_("Your password, or a code from your app"),
                help_text=_("It has been a while since you signed in, and this reaches far."),
                widget=widgets.UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
                strip=False,
            )

    def clean_proof(self) -> str:
        """Judge the answer as sign-in does, under the same limits."""
        given, user = self.cleaned_data["proof"], self.request.user
        address = str(get_adapter().get_client_ip(self.request))
        try:
            try_secret("password", user.email.lower(), address)
        except DomainError as refusal:
            raise forms.ValidationError(str(refusal), code=refusal.code) from None
        if not (by_password := user.check_password(given)) and use_code(user, given) is None:  # type: ignore[arg-type]  # -- signed in
            refusal = DomainError("proof_wrong")
            raise forms.ValidationError(str(refusal), code=refusal.code)
        was_right("password", user.email.lower(), address)
        record_authentication(self.request, user, "password" if by_password else "mfa", reauthenticated=True)
        return ""

    def answers(self) -> dict[str, Any]:
        """What was filled in, without the proof."""
        return {name: value for name, value in self.cleaned_data.items() if name != "proof"}
