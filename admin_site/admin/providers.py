"""Applications, providers and where they are approved."""

from __future__ import annotations

from django import forms
from django.db.models import OuterRef, Subquery
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill, tone_of, tone_pill
from admin_site.register import console_register
from core.errors import DomainError
from core.money import format_minor
from enrollments.disclosures import current_disclosures, missing_facts
from organizations.enums import ApprovalStatus, InvitedRole
from organizations.models import Invitation, ProviderProfile
from providers.districts import all_districts
from providers.enums import IN_FORCE, ApplicationStatus, CourseKind, DistrictApprovalStatus
from providers.fees import provider_fee_cents
from providers.models import District, DistrictApproval, ProviderApplication
from providers.permissions import ADD_APPROVAL, DECIDE, END_APPROVAL
from providers.services import applications, standing
from providers.services.approvals import add_district_approval, end_district_approval

_WAITING = frozenset({ApplicationStatus.SUBMITTED, ApplicationStatus.UNDER_REVIEW})


def _has_no_provider(application):
    if application.status == ApplicationStatus.DENIED:
        return DomainError("application_denied")
    return DomainError("action_not_now", state=_("a provider exists")) if application.provider_id else None


def _not_open_yet(profile):
    """Approved and on the public list: nothing is left to do."""
    if profile.approval_status == ApprovalStatus.APPROVED and profile.is_active:
        return DomainError("action_not_now", state=profile.get_approval_status_display())
    return None


def _has_provider(application):
    return None if application.provider_id else DomainError("application_without_provider")


@console_register(ProviderApplication)
class ProviderApplicationAdmin(ConsoleModelAdmin):
    list_display = ("organization_name", status_pill, "what_happened", "contact_name", "contact_email", "created_at")
    list_filter = ("status",)
    list_select_related = ("provider__provider_profile",)
    search_fields = ("organization_name__istartswith", "contact_email__istartswith")
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("organization_name", "status", "what_happened", "provider", "decision_note", "created_at")}),
        (_("What it offers"), {"fields": ("kinds", "districts", "is_nonprofit", "website", "message")}),
        (_("Contact"), {"fields": ("contact_name", "contact_email", "contact_phone")}),
    )
    readonly_fields = (
        "organization_name", "what_happened", "provider", "decision_note", "created_at", "kinds", "districts",
        "is_nonprofit", "website", "message", "contact_name", "contact_email", "contact_phone",
    )  # fmt: skip
    read_only = True
    empty_state = _("No applications. They arrive from the public page “Become a provider”.")

    def get_queryset(self, request):
        """With the moment the provider's first administrator was last invited."""
        sent = Invitation.objects.filter(organization=OuterRef("provider"), role=InvitedRole.PROVIDER_ADMIN)
        newest = sent.order_by("-sent_at").values("sent_at")[:1]
        return super().get_queryset(request).annotate(admin_invited_at=Subquery(newest))

    @display(description=_("so far"))
    def what_happened(self, application):
        if application.provider is None:
            return _("No provider yet")
        profile = application.provider.provider_profile
        steps = [_("Provider created"), profile.get_approval_status_display()]
        if profile.is_active:
            steps.append(_("active"))
        if application.admin_invited_at:
            steps.append(_("invited %(day)s") % {"day": date_format(application.admin_invited_at, "SHORT_DATE_FORMAT")})
        return " · ".join(str(step) for step in steps)

    @display(description=_("districts"))
    def districts(self, application):
        known = all_districts()
        return ", ".join(known[court].name if court in known else court for court in application.court_ids)

    @post_action(
        permission=DECIDE,
        title=_("Start review"),
        states={ApplicationStatus.SUBMITTED, ApplicationStatus.DENIED},
        icon="rate_review",
        row=True,
        bulk=True,
    )
    def start_review(self, request, application):
        applications.start_review(application)
        return _("The application is under review.")

    @post_action(
        permission=DECIDE,
        title=_("Create provider"),
        confirm=_("Makes the organization and its profile, under review and not public."),
        available=_has_no_provider,
        icon="add_business",
        row=True,
    )
    def create_provider(self, request, application):
        provider = applications.create_provider(application)
        return _("The provider “%(name)s” stands at /%(slug)s/enroll and is not public yet.") % {
            "name": provider.name, "slug": provider.slug,
        }  # fmt: skip

    @post_action(
        permission=DECIDE,
        title=_("Approve and activate"),
        confirm=_("The provider appears on the public list at once."),
        available=_has_provider,
        icon="verified",
        row=True,
        bulk=True,
    )
    def approve(self, request, application):
        profile = applications.approve_application(application)
        return _("%(name)s is approved and active.") % {"name": profile.legal_name}

    @post_action(
        permission=DECIDE,
        title=_("Invite provider administrator"),
        confirm=_("The contact of the application gets a link by mail. An open invitation is renewed."),
        available=_has_provider,
        icon="person_add",
        row=True,
    )
    def invite_admin(self, request, application):
        invitation = applications.invite_provider_admin(application)
        return _("The invitation is on its way to %(email)s.") % {"email": invitation.email}

    @post_action(
        permission=DECIDE,
        title=_("Deny"),
        confirm=_("The reason is kept on the application. A provider made from it is denied too."),
        reason=True,
        states=_WAITING,
        icon="block",
        danger=True,
        row=True,
    )
    def deny(self, request, application, *, reason):
        applications.deny_application(application, reason=reason)
        return _("The application is denied.")


class DistrictApprovalForm(ActionForm):
    """One approval letter."""

    court = forms.ModelChoiceField(District.objects.all(), label=_("District"))
    kind = forms.ChoiceField(label=_("Service"), choices=CourseKind.choices)
    valid_from = forms.DateField(label=_("From"), widget=forms.DateInput())
    valid_to = forms.DateField(
        label=_("To"), widget=forms.DateInput(), help_text=_("A first approval: six months at most. Later: a year.")
    )
    reference = forms.CharField(label=_("Reference of the letter"), max_length=80, required=False)


@console_register(ProviderProfile)
class ProviderProfileAdmin(ConsoleModelAdmin):
    list_is_short = True
    list_display = ("legal_name", "approval", "is_active", "fee", "languages")
    list_filter = ("approval_status", "is_active", "is_nonprofit")
    list_select_related = ("organization",)
    search_fields = ("legal_name__istartswith", "organization__slug__istartswith")
    ordering = ("legal_name", "id")
    fieldsets = (
        (None, {"fields": ("organization", "legal_name", "approval_status", "is_active", "missing")}),
        (
            _("What clients read"),
            {"fields": ("about_en", "about_es", "languages", "help_phone", "help_hours", "help_hours_es")},
        ),
        (
            _("Disclosures"),
            {
                "fields": (
                    "fee_cents", "funding", "funding_es", "counselor_qualifications", "counselor_qualifications_es",
                    "negotiates_repayment", "refund_policy", "refund_policy_es",
                ),
            },
        ),
        (_("Certificates"), {"fields": ("agency_number", "is_nonprofit", "issues_automatically", "simulates_numbers")}),
    )  # fmt: skip
    readonly_fields = ("organization", "is_active", "missing")
    addable = False
    status_field = "approval_status"
    empty_state = _("No providers yet. They are created from applications.")

    def get_readonly_fields(self, request, obj=None):
        """What the approval rests on, only the platform changes."""
        fixed = super().get_readonly_fields(request, obj)
        if request.actor.platform_role:
            return fixed
        return (*fixed, "legal_name", "agency_number", "is_nonprofit", "simulates_numbers")

    @display(description=_("approval"), ordering="approval_status")
    def approval(self, profile):
        return tone_pill(tone_of(profile.approval_status), profile.get_approval_status_display())

    @display(description=_("fee"))
    def fee(self, profile):
        return format_minor(provider_fee_cents(profile.organization))

    @display(description=_("missing for clients"))
    def missing(self, profile):
        """What the disclosures cannot be filled from: without it nobody can enroll."""
        found = {name: None for kind in CourseKind for name in missing_facts(current_disclosures(kind), profile)}
        return ", ".join(found) or _("nothing")

    @post_action(
        permission=DECIDE,
        title=_("Approve and activate"),
        confirm=_("The provider appears on the public list at once."),
        available=_not_open_yet,
        icon="verified",
        row=True,
        bulk=True,
    )
    def approve(self, request, profile):
        standing.approve_and_activate(profile.organization)
        return _("%(name)s is approved and active.") % {"name": profile.legal_name}

    @post_action(
        permission=ADD_APPROVAL,
        title=_("Add district approval"),
        confirm=_("From the approval letter of the United States Trustee or Bankruptcy Administrator."),
        form=DistrictApprovalForm,
        icon="add_location",
    )
    def add_district(self, request, profile, *, data):
        approval = add_district_approval(
            profile.organization, data["court"].pk, data["kind"],
            valid_from=data["valid_from"], valid_to=data["valid_to"], reference=data["reference"],
        )  # fmt: skip
        return _("Entered: %(approval)s, %(status)s.") % {
            "approval": approval, "status": approval.get_status_display(),
        }  # fmt: skip

    @post_action(
        permission=DECIDE,
        title=_("Suspend"),
        confirm=_("The provider leaves the public list at once, and its clients are told to call."),
        reason=True,
        states={ApprovalStatus.APPROVED},
        state_field="approval_status",
        icon="pause_circle",
        danger=True,
    )
    def suspend(self, request, profile, *, reason):
        standing.suspend_provider(profile.organization, reason=reason)
        return _("The provider is suspended.")

    @post_action(
        permission=DECIDE,
        title=_("Reinstate"),
        reason=True,
        states={ApprovalStatus.SUSPENDED},
        state_field="approval_status",
        icon="undo",
    )
    def reinstate(self, request, profile, *, reason):
        standing.reinstate_provider(profile.organization, reason=reason)
        return _("The provider is approved and active again.")


class EndApprovalForm(ActionForm):
    """How an approval ended."""

    to = forms.ChoiceField(
        label=_("It was"),
        choices=[
            (value, label)
            for value, label in DistrictApprovalStatus.choices
            if value in {DistrictApprovalStatus.WITHDRAWN, DistrictApprovalStatus.REMOVED}
        ],
    )


@console_register(DistrictApproval)
class DistrictApprovalAdmin(ConsoleModelAdmin):
    list_is_short = True
    list_display = ("provider", "district", "kind", status_pill, "valid_from", "valid_to", "reference")
    list_filter = ("kind", "status", ("provider", ScopedRelatedFilter))
    list_select_related = ("provider", "district")
    search_fields = ("reference__istartswith", "district__court_id__istartswith", "provider__name__istartswith")
    ordering = ("valid_to", "id")
    fields = readonly_fields = ("provider", "district", "kind", "status", "valid_from", "valid_to", "reference")
    read_only = True
    empty_state = _("No approvals. They are entered on a provider's profile.")

    def get_queryset(self, request):
        """Approvals are public; here everyone looks after the providers in their own sight."""
        rows = super().get_queryset(request)
        if request.actor.sees_everything:
            return rows
        return rows.filter(provider__in=request.actor.organization_ids)

    @post_action(
        permission=END_APPROVAL,
        title=_("End"),
        confirm=_("From now on the provider does not serve this district with this service."),
        reason=True,
        form=EndApprovalForm,
        states=IN_FORCE,
        icon="event_busy",
        danger=True,
    )
    def end(self, request, approval, *, reason, data):
        end_district_approval(approval, data["to"], reason=reason)
        return _("The approval is ended.")
