"""The forms around a login: the package's own, drawn in the site's style and with our words."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as package
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from accounts.limits import ask_for_reset
from accounts.models import User
from accounts.queries import person_without_login
from organizations.enums import InvitedRole
from organizations.models import Invitation
from website.forms.base import WebsiteForm, WebsiteModelForm, WebsiteRenderer


class SiteStyle(forms.Form):
    """Labels stand above a field and never inside it; one word for one thing."""

    default_renderer = WebsiteRenderer
    words = {
        "email": _("E-mail address"),
        "login": _("E-mail address"),
        "oldpassword": _("Password you have now"),
        "password": _("Password"),
        "password1": _("New password"),
        "password2": _("New password, once more"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = self.words.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
            if name == "password1":
                field.help_text = _("At least 10 characters; not your name, not a word that many people use.")


class SignInForm(SiteStyle, package.LoginForm):
    pass


class ConfirmPasswordForm(SiteStyle, package.ReauthenticateForm):
    pass


class ForgottenPasswordForm(SiteStyle, package.ResetPasswordForm):
    """A wish for a new password; wishes for one address are counted, whether anyone has it or not."""

    def clean_email(self) -> str:
        email = super().clean_email()
        ask_for_reset(email.lower())
        return str(email)


class NewPasswordForm(SiteStyle, package.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(SiteStyle, package.ChangePasswordForm):
    pass


class FirstPasswordForm(SiteStyle, package.SetPasswordForm):
    pass


class EmailForm(SiteStyle, package.AddEmailForm):
    words = {"email": _("New e-mail address")}


class SignUpForm(SiteStyle, package.SignupForm):
    """Sign up with an e-mail address and a password; staff give their name as well.

    The address of an invitation cannot be changed. An address whose person lost the login gets that person back.
    """

    words = {"email": _("E-mail address"), "password1": _("Choose a password")}
    first_name = forms.CharField(
        label=_("First name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "given-name"})
    )
    last_name = forms.CharField(
        label=_("Last name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "family-name"})
    )
    field_order = ("first_name", "last_name", "email", "password1")

    def __init__(self, *args: Any, invitation: Invitation | None = None, **kwargs: Any) -> None:
        self.returning: User | None = None
        super().__init__(*args, **kwargs)
        if invitation is None or invitation.role == InvitedRole.CLIENT:
            del self.fields["first_name"], self.fields["last_name"]
        if invitation is not None:
            address = self.fields["email"]
            address.initial, address.disabled = invitation.email.lower(), True
            address.help_text = _("The invitation was sent to this address.")

    def validate_unique_email(self, value: str) -> str:
        self.returning = person_without_login(value)
        return value if self.returning is not None else super().validate_unique_email(value)

    def save(self, request: HttpRequest) -> User:
        request.returning_person = self.returning  # type: ignore[attr-defined]  # -- read by AccountAdapter.new_user
        return super().save(request)


class AskAgainForm(WebsiteForm):
    """Where the link of an open invitation shall be sent once more."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class AboutMeForm(WebsiteModelForm):
    """What a person may change about themselves here."""

    language = forms.ChoiceField(
        label=_("Language"), choices=Language.choices, help_text=_("For your mails, your documents and this site.")
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name", "language")
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
        }
        labels = {"first_name": _("First name"), "last_name": _("Last name")}
