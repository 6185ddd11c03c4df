"""The forms of the second step: codes count once, tries are limited, words are ours."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.adapter import get_adapter as get_factor_adapter
from allauth.mfa.base import forms as package
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as keys
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.limits import try_secret, was_right
from accounts.models import User
from accounts.second_factor import step_of, use_code
from website.forms.account import SiteStyle

CODE_ATTRS = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "class": "code-input"}


def address() -> str:
    return str(get_adapter().get_client_ip(context.request))


class OnceOnly(SiteStyle):
    """Judges a code of the app, or a backup code, and uses it up."""

    user: User
    words = {"code": _("Code from your app, or a backup code")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget = forms.TextInput(attrs=CODE_ATTRS)

    def clean_code(self) -> str:
        code, who = self.cleaned_data["code"], str(self.user.pk)
        try_secret("code", who, address())
        self.authenticator = use_code(self.user, code)
        if self.authenticator is None:
            raise get_factor_adapter().validation_error("incorrect_code")
        was_right("code", who, address())
        return str(code)


class CodeForm(OnceOnly, package.AuthenticateForm):
    pass


class CodeAgainForm(OnceOnly, package.ReauthenticateForm):
    pass


class ActivateAppForm(SiteStyle, ActivateTOTPForm):
    """Sets the app up: the first code shows that it works."""

    words = {"code": _("Code that the app shows now")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget = forms.TextInput(attrs=CODE_ATTRS | {"inputmode": "numeric"})

    def clean_code(self) -> str:
        code, who = self.cleaned_data["code"], str(self.user.pk)
        try_secret("code", who, address())
        if step_of(self.secret, code) is None:
            raise get_factor_adapter().validation_error("incorrect_code")
        was_right("code", who, address())
        return str(code)


class AddPasskeyForm(SiteStyle, keys.AddWebAuthnForm):
    words = {"name": _("Name, so that you know it again"), "passwordless": _("Sign in with it alone, without password")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].initial = True
        self.fields["passwordless"].help_text = _("The device asks for your fingerprint, face or PIN each time.")


class PasskeyForm(SiteStyle, keys.AuthenticateWebAuthnForm):
    pass


class RenamePasskeyForm(SiteStyle, keys.EditWebAuthnForm):
    words = {"name": _("Name")}
