"""People. Nobody is added here: people come by invitation and sign up themselves."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.agents import device_name
from accounts.enums import PlatformRole
from accounts.models import User
from accounts.protection import reset_second_factor
from accounts.second_factor import has_factor
from admin_site.actions import ActionForm, console_view, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.register import console_register
from core.errors import DomainError
from organizations.services.memberships import set_platform_role
from organizations.services.sessions import end_session, end_sessions


class PlatformRoleForm(ActionForm):
    platform_role = forms.ChoiceField(
        label=_("Platform role"), choices=[("", _("None")), *PlatformRole.choices], required=False
    )


class SessionForm(ActionForm):
    """Which of the person's devices is signed out."""

    session = forms.ModelChoiceField(UserSession.objects.none(), label=_("Device"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["session"].queryset = UserSession.objects.filter(user=self.row).order_by("-last_seen_at")
        self.fields["session"].label_from_instance = lambda row: (
            f"{device_name(row.user_agent)} · {row.ip} · {row.last_seen_at:%Y-%m-%d %H:%M} UTC"
        )


def _has_sessions(user):
    return None if UserSession.objects.filter(user=user).exists() else DomainError("no_session")


def _has_factor(user):
    return None if has_factor(user) else DomainError("no_second_factor")


@console_register(User)
class UserAdmin(ConsoleModelAdmin):
    list_display = ("email", "first_name", "last_name", "platform_role", "is_active", "last_login")
    list_filter = ("platform_role", "is_active")
    search_through = ""
    search_help_text = _("Name or e-mail")
    ordering = ("email",)
    fields = (
        "email", "first_name", "last_name", "language", "platform_role", "is_active", "is_process", "last_login",
        "date_joined",
    )  # fmt: skip
    readonly_fields = ("email", "platform_role", "is_active", "is_process", "last_login", "date_joined")
    addable = False

    @console_view("signing-in/", permission="accounts.change_user", title=_("Signing in"), icon="devices")
    def signing_in(self, request, user):
        """Where the person is signed in, and with which second steps."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Signing in"),
            "opts": self.opts,
            "row": user,
            "sessions": UserSession.objects.filter(user=user).order_by("-last_seen_at"),
            "factors": Authenticator.objects.filter(user=user).order_by("created_at"),
            "back": self.record_url(user),
        }
        return TemplateResponse(request, "console/accounts/signing_in.html", context)

    @post_action(
        permission="accounts.change_user",
        title=_("Sign out one device"),
        confirm=_("The person is signed out there at the next click and stays signed in elsewhere."),
        reason=True,
        form=SessionForm,
        available=_has_sessions,
        icon="phonelink_off",
        lock=False,
    )
    def end_session(self, request, user, *, reason, data):
        end_session(data["session"], reason=reason)
        return _("That device is signed out.")

    @post_action(
        permission="accounts.change_user",
        title=_("End all sessions"),
        confirm=_("The person is signed out everywhere and can sign in again."),
        reason=True,
        icon="logout",
    )
    def end_sessions(self, request, user, *, reason):
        end_sessions(user, reason=reason)
        return _("All sessions are ended.")

    @post_action(
        permission="accounts.reset_second_factor",
        title=_("Reset second step"),
        confirm=_(
            "Code app, passkeys and backup codes are taken away and every session ends. Do it only after you have made"
            " sure who asks: by a call to the number you know, never by mail alone. The person is told by mail."
        ),
        reason=True,
        available=_has_factor,
        icon="no_encryption",
        danger=True,
        fresh=True,
    )
    def reset_second_factor(self, request, user, *, reason):
        reset_second_factor(user, reason=reason)
        return _("The second step is taken away; the person was told by mail.")

    @post_action(
        permission="accounts.assign_platform_role",
        title=_("Change platform role"),
        confirm=_("Platform roles reach every organization. All sessions of the person end."),
        reason=True,
        form=PlatformRoleForm,
        icon="shield_person",
        danger=True,
        fresh=True,
    )
    def assign_platform_role(self, request, user, *, reason, data):
        set_platform_role(user, data["platform_role"], reason=reason)
        return _("The platform role is changed.")
