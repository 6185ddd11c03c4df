"""People. Nobody is added here: people come by invitation and sign up themselves."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import PlatformRole
from accounts.models import User
from admin_site.actions import ActionForm, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.register import console_register
from organizations.services.memberships import set_platform_role
from organizations.services.sessions import end_sessions


class PlatformRoleForm(ActionForm):
    platform_role = forms.ChoiceField(
        label=_("Platform role"), choices=[("", _("None")), *PlatformRole.choices], required=False
    )


@console_register(User)
class UserAdmin(ConsoleModelAdmin):
    list_display = ("email", "first_name", "last_name", "platform_role", "is_active", "last_login")
    list_filter = ("platform_role", "is_active")
    search_fields = ("email__istartswith", "last_name__istartswith", "first_name__istartswith")
    ordering = ("email",)
    fields = (
        "email", "first_name", "last_name", "language", "platform_role", "is_active", "is_process", "last_login",
        "date_joined",
    )  # fmt: skip
    readonly_fields = ("email", "platform_role", "is_active", "is_process", "last_login", "date_joined")
    addable = False

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
        permission="accounts.assign_platform_role",
        title=_("Change platform role"),
        confirm=_("Platform roles reach every organization. All sessions of the person end."),
        reason=True,
        form=PlatformRoleForm,
        icon="shield_person",
        danger=True,
    )
    def assign_platform_role(self, request, user, *, reason, data):
        set_platform_role(user, data["platform_role"], reason=reason)
        return _("The platform role is changed.")
