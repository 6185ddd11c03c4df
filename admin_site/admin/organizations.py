"""Organizations, the people in them, and who is invited."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermission

from accounts.models import User
from admin_site.actions import ActionForm, console_view, dress, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from core.errors import DomainError
from organizations.enums import InvitationStatus, MembershipStatus, Role
from organizations.forms import InvitationForm
from organizations.models import FirmProfile, Invitation, Membership, Organization
from organizations.services.grants import AUDIT, grant_access, withdraw_access
from organizations.services.invitations import copy_link, refresh_invitation, revoke_invitation
from organizations.services.memberships import change_role, reactivate_member, remove_member, suspend_member


class MembershipInline(ConsoleTabularInline):
    model = Membership
    fields = ("user", "role", "status", "created_at")
    ordering = ("role", "created_at")


class AccessForm(ActionForm):
    """Whom to open the organization's records to, for reading."""

    email = forms.EmailField(label=_("E-mail address of a person with an account"))

    def clean_email(self):
        person = User.objects.filter(email__iexact=self.cleaned_data["email"], is_active=True).first()
        if person is None:
            raise forms.ValidationError(str(DomainError("not_found")), code="not_found")
        return person


class WithdrawForm(ActionForm):
    """Which of the explicit grants ends."""

    person = forms.ModelChoiceField(User.objects.none(), label=_("Person"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = User.objects.filter(pk__in=_grants(self.row).values("user"))


def _grants(organization):
    return UserObjectPermission.objects.filter(
        object_pk=str(organization.pk), content_type__app_label="organizations", content_type__model="organization"
    ).select_related("user", "permission")


def _has_grants(organization):
    return None if _grants(organization).exists() else DomainError("not_found")


@console_register(Organization)
class OrganizationAdmin(ConsoleModelAdmin):
    list_display = ("name", "slug", "is_provider", "is_firm", "email", "phone")
    list_filter = ("is_provider", "is_firm", "is_sponsor", "is_employer")
    search_through = ""
    search_help_text = _("Name, address or e-mail")
    list_is_short = True
    ordering = ("name", "id")
    fieldsets = (
        (None, {"fields": ("name", "slug", "email", "phone", "time_zone")}),
        (_("What it does here"), {"fields": ("is_provider", "is_firm", "is_sponsor", "is_employer")}),
        (_("Signing in"), {"fields": ("requires_second_factor",)}),
    )
    inlines = (MembershipInline,)

    def get_readonly_fields(self, request, obj=None):
        """What an organization is, and its address, only the platform changes."""
        fixed = super().get_readonly_fields(request, obj)
        if request.actor.platform_role:
            return fixed
        return (*fixed, "slug", "is_provider", "is_firm", "is_sponsor", "is_employer")

    @console_view("access/", permission="organizations.grant_access", title=_("Explicit access"), icon="key")
    def access(self, request, organization):
        context = {
            **self.admin_site.each_context(request),
            "title": _("Explicit access"),
            "opts": self.opts,
            "row": organization,
            "grants": _grants(organization),
            "back": self.record_url(organization),
        }
        return TemplateResponse(request, "console/organizations/access.html", context)

    @post_action(
        permission="organizations.grant_access",
        title=_("Give access for audit"),
        fresh=True,
        confirm=_("The person may read every record of this organization until you withdraw it."),
        reason=True,
        form=AccessForm,
        icon="key",
        lock=False,
    )
    def give_access(self, request, organization, *, reason, data):
        grant_access(data["email"], organization, AUDIT, reason=reason)
        return _("Access is given.")

    @post_action(
        permission="organizations.grant_access",
        title=_("Withdraw access"),
        fresh=True,
        confirm=_("It ends at the person's next click."),
        reason=True,
        form=WithdrawForm,
        available=_has_grants,
        icon="key_off",
        danger=True,
        lock=False,
    )
    def withdraw_access(self, request, organization, *, reason, data):
        withdraw_access(data["person"], organization, AUDIT, reason=reason)
        return _("Access is withdrawn.")


@console_register(FirmProfile)
class FirmProfileAdmin(ConsoleModelAdmin):
    list_display = ("legal_name", "organization", "bar_state", "bar_number")
    list_select_related = ("organization",)
    search_fields = ("legal_name__istartswith",)
    list_is_short = True
    fields = ("organization", "legal_name", "bar_state", "bar_number")

    def related_queryset(self, db_field, request):
        """A profile belongs to a law firm."""
        found = super().related_queryset(db_field, request)
        return found.filter(is_firm=True) if db_field.name == "organization" else found


class RoleForm(ActionForm):
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


@console_register(Membership)
class MembershipAdmin(ConsoleModelAdmin):
    list_display = ("user", "role", status_pill, "organization", "created_at")
    list_filter = ("role", "status", ("organization", ScopedRelatedFilter))
    list_select_related = ("user", "organization")
    search_through = "user"
    list_is_short = True
    ordering = ("organization", "user", "id")
    fields = ("user", "organization", "role", "status", "created_at", "updated_at")
    read_only = True
    empty_state = _("Nobody belongs to your organization yet. Invite people first.")

    @post_action(
        permission="organizations.change_membership",
        title=_("Change role"),
        fresh=True,
        confirm=_("The person's sessions end, and the new role holds from the next sign-in."),
        reason=True,
        form=RoleForm,
        states={MembershipStatus.ACTIVE},
        icon="manage_accounts",
    )
    def change_role(self, request, membership, *, reason, data):
        change_role(membership, data["role"], reason=reason)
        return _("The role is changed.")

    @post_action(
        permission="organizations.change_membership",
        title=_("Suspend"),
        confirm=_("The person loses the role for now and is signed out."),
        reason=True,
        states={MembershipStatus.ACTIVE},
        icon="pause_circle",
        bulk=True,
    )
    def suspend(self, request, membership, *, reason):
        suspend_member(membership, reason=reason)
        return _("Suspended.")

    @post_action(
        permission="organizations.change_membership",
        title=_("Take back"),
        confirm=_("The person gets the same role again."),
        reason=True,
        states={MembershipStatus.SUSPENDED, MembershipStatus.REMOVED},
        icon="undo",
    )
    def reactivate(self, request, membership, *, reason):
        reactivate_member(membership, reason=reason)
        return _("The person is a member again.")

    @post_action(
        permission="organizations.change_membership",
        title=_("Remove"),
        confirm=_("The person leaves the organization and is signed out. What they did stays on record."),
        reason=True,
        states={MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED},
        icon="person_remove",
        danger=True,
    )
    def remove(self, request, membership, *, reason):
        remove_member(membership, reason=reason)
        return _("Removed.")


@console_register(Invitation)
class InvitationAdmin(ConsoleModelAdmin):
    list_display = ("email", "role", status_pill, "organization", "expires_at", "sent_at")
    list_filter = ("role", "status", ("organization", ScopedRelatedFilter))
    list_select_related = ("organization",)
    search_fields = ("email__istartswith",)
    ordering = ("-created_at", "id")
    fields = (
        "email", "role", "organization", "language", "status", "expires_at", "sent_at", "closed_at", "created_at",
    )  # fmt: skip
    empty_state = _("Nobody is invited. Invite a colleague to work with you here.")

    def has_change_permission(self, request, obj=None):
        """An invitation is renewed or revoked, never edited."""
        return False

    def add_view(self, request, form_url="", extra_context=None):
        """Invite somebody: the fields a role needs, and the mail goes out."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InvitationForm(request.POST or None, actor=request.actor)
        for bound in form.fields.values():
            dress(bound)
        if request.method == "POST" and form.is_valid():
            try:
                invitation, _token = form.save()
            except DomainError as refusal:
                form.add_error(None, f"{refusal} [{refusal.code}]")
            else:
                messages.success(request, _("The invitation is on its way."))
                return HttpResponseRedirect(self.record_url(invitation))
        context = {
            **self.admin_site.each_context(request), "title": _("Invite"), "opts": self.opts, "form": form,
            "submit": _("Send the invitation"), "back": self.list_url(),
        }  # fmt: skip
        return TemplateResponse(request, "console/form.html", context)

    @post_action(
        permission="organizations.refresh_invitation",
        title=_("Send again"),
        confirm=_("A new link goes out; the one before stops working."),
        states={InvitationStatus.PENDING},
        icon="forward_to_inbox",
        row=True,
        bulk=True,
    )
    def refresh(self, request, invitation):
        refresh_invitation(invitation)
        return _("A new link is on its way.")

    @post_action(
        permission="organizations.refresh_invitation",
        title=_("Copy link"),
        confirm=_("You get a fresh link to hand over yourself. It is shown this once; links sent before stop working."),
        states={InvitationStatus.PENDING},
        icon="link",
    )
    def copy_link(self, request, invitation):
        return copy_link(invitation)

    @post_action(
        permission="organizations.revoke_invitation",
        title=_("Revoke"),
        confirm=_("The link stops working."),
        reason=True,
        states={InvitationStatus.PENDING},
        icon="block",
        danger=True,
        bulk=True,
    )
    def revoke(self, request, invitation, *, reason):
        revoke_invitation(invitation, reason=reason)
        return _("Revoked.")
