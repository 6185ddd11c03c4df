"""Clients, their enrollments and households: whose turn it is, what stands in the way, and the next act."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, dress, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.counseling import CounselingActions
from admin_site.exchange import ConsoleImportExport
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.money import MoneyActions
from admin_site.pills import status_pill, tone_pill
from admin_site.register import console_register
from admin_site.timeline import TimelineAdmin
from core import clock
from core.errors import DomainError
from core.search import HiddenText
from enrollments.enums import ENDED, FINISHED, EnrollmentStatus, PaymentLabel
from enrollments.forms import EnrollForm
from enrollments.guards import why_blocked
from enrollments.models import DisclosureAcknowledgement, Enrollment
from enrollments.queries import payment_label, with_standing
from enrollments.services.invitations import invite_client, invite_household
from enrollments.services.supervision import cancel_enrollment, override_cc_time, set_deadline
from enrollments.steps import next_step
from organizations.models import Organization
from providers.enums import CourseKind
from resources.enrollments import EnrollmentResource

_OPEN = frozenset(set(EnrollmentStatus) - ENDED)
_RUNNING = frozenset(set(EnrollmentStatus) - ENDED - FINISHED)
_PAYMENT_TONES = {PaymentLabel.CLIENT_PAYS: "warn", PaymentLabel.WAIVED: "info"}
NEAR_DAYS = 14


def _is_joint(enrollment):
    return None if enrollment.household_id else DomainError("action_not_now", state=_("an individual filing"))


def _may_take_less_time(enrollment):
    return None if enrollment.kind == CourseKind.CC else DomainError("override_cc_only")


def _has_deadline(enrollment):
    if enrollment.kind == CourseKind.DE:
        return None
    return DomainError("action_not_now", state=enrollment.get_kind_display())


class DeadlineForm(ActionForm):
    """The day the court needs the certificate."""

    deadline = forms.DateField(label=_("New deadline"), widget=forms.DateInput())


class AcknowledgementInline(ConsoleTabularInline):
    model = DisclosureAcknowledgement
    verbose_name_plural = _("Disclosures")
    fields = readonly_fields = ("disclosures", "user", "language", "acknowledged_at", "ip_address")
    ordering = ("-acknowledged_at",)


@console_register(Enrollment)
class EnrollmentAdmin(CounselingActions, MoneyActions, TimelineAdmin, ConsoleImportExport, ConsoleModelAdmin):
    resource_class = EnrollmentResource
    list_display = ("who", "kind", status_pill, "next_act", "deadline", "paid", "provider_name", "created_at")
    more_columns = (
        "firm_name", "district", "case_number", "chapter", "language", "delivery_method", "enrolled_at",
        "completed_at",
    )  # fmt: skip
    date_drill = "created_at"
    search_through = ""
    list_filter = ("status", "kind", "has_fee_waiver", ("provider", ScopedRelatedFilter), ("firm", ScopedRelatedFilter))
    search_fields = ("pk",)  # asked for by look-ups from other lists
    search_help_text = _("Name, e-mail, case or certificate number")
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("client", "kind", "status", "blocked", "next_act", "paid", "invited")}),
        (
            _("Course"),
            {
                "classes": ("tab",),
                "fields": (
                    "provider_name", "firm_name", "district", "language", "delivery_method", "has_fee_waiver",
                    "cc_override_reason", "enrolled_at", "begun_at", "submitted_at", "completed_at", "certificate_due",
                ),
            },
        ),
        (
            _("Case"),
            {
                "classes": ("tab",),
                "fields": (
                    "chapter", "case_number", "first_set_341_date", "current_341_date", "de_filing_deadline",
                    "household", "request",
                ),
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "client", "kind", "blocked", "next_act", "paid", "invited", "provider_name", "firm_name", "district",
        "has_fee_waiver", "cc_override_reason", "enrolled_at", "begun_at", "submitted_at", "completed_at",
        "certificate_due", "first_set_341_date", "de_filing_deadline", "household", "request",
    )  # fmt: skip
    inlines = (AcknowledgementInline,)
    bulk_fields = ("language", "delivery_method", "chapter", "current_341_date")
    empty_state = _("No enrollments yet. They come from public requests, from law firms, from a file, or by hand.")

    def get_queryset(self, request):
        """With what lists show; provider and firm come as names."""
        names = Organization.objects.filter(pk=OuterRef("provider_id")).values("name")
        firms = Organization.objects.filter(pk=OuterRef("firm_id")).values("name")
        rows = with_standing(super().get_queryset(request).joined("client", "district"))
        return rows.annotate(named_provider=Subquery(names), named_firm=Subquery(firms))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_verb(request, "add")

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("client"), ordering=HiddenText("sort_name"))
    def who(self, enrollment):
        return enrollment.client_name

    @display(description=_("next"))
    def next_act(self, enrollment):
        return next_step(enrollment)

    @display(description=_("deadline"), ordering="de_filing_deadline")
    def deadline(self, enrollment):
        day = enrollment.de_filing_deadline
        if day is None:
            return ""
        left = (day - clock.today()).days
        shown = date_format(day, "SHORT_DATE_FORMAT")
        if enrollment.status in FINISHED | ENDED or left > NEAR_DAYS:
            return shown
        return tone_pill("bad" if left < 0 else "warn", shown)

    @display(description=_("fee"))
    def paid(self, enrollment):
        label = payment_label(enrollment)
        return tone_pill(_PAYMENT_TONES.get(label, "good"), label.label)

    @display(description=_("provider"), ordering="provider__name")
    def provider_name(self, enrollment):
        return enrollment.named_provider or ""

    @display(description=_("law firm"))
    def firm_name(self, enrollment):
        return enrollment.named_firm or ""

    @display(description=_("invited"))
    def invited(self, enrollment):
        """When the way to the course was last mailed, and whether it was used."""
        client = enrollment.client
        if client.user_id is not None:
            return _("The client has a log-in")
        invitation = client.invitation
        if invitation is None or invitation.sent_at is None:
            return _("Not invited yet")
        return _("Invited %(time)s") % {"time": date_format(invitation.sent_at, "SHORT_DATETIME_FORMAT")}

    @display(description=_("what blocks the next step"))
    def blocked(self, enrollment):
        refusals = why_blocked(enrollment)
        if not refusals:
            return _("Nothing")
        rows = ((refusal.sentence, refusal.next_action, refusal.code) for refusal in refusals)
        return format_html(
            '<ul class="console-why">{}</ul>',
            format_html_join("", "<li><strong>{}</strong> {} <code>{}</code></li>", rows),
        )

    # --- enrolling --------------------------------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Enroll a client, with the spouse where they file together."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EnrollForm(request.POST or None, actor=request.actor)
        for bound in form.fields.values():
            dress(bound)
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    made = form.save()
            except DomainError as refusal:
                form.show(refusal)
            else:
                messages.success(request, _("Enrolled: %(names)s.") % {"names": ", ".join(str(each) for each in made)})
                return HttpResponseRedirect(self.record_url(made[0]))
        context = {
            **self.admin_site.each_context(request), "title": _("Enroll a client"), "opts": self.opts, "form": form,
            "submit": _("Enroll"), "back": self.list_url(),
        }  # fmt: skip
        return TemplateResponse(request, "console/form.html", context)

    # --- acts -------------------------------------------------------------------------------------------------------
    @post_action(
        permission="enrollments.invite_enrollment",
        title=_("Invite client"),
        confirm=_("The client gets a mail with the way to the course. A link sent before stops working."),
        states=_OPEN,
        icon="mail",
        row=True,
        bulk=True,
        lock=False,
    )
    def invite(self, request, enrollment):
        invite_client(enrollment)
        return _("The mail is on its way to %(email)s.") % {"email": enrollment.client.email}

    @post_action(
        permission="enrollments.invite_enrollment",
        title=_("Invite household"),
        confirm=_("Both spouses get a mail, each with an own link."),
        states=_OPEN,
        available=_is_joint,
        icon="family_restroom",
        lock=False,
    )
    def invite_both(self, request, enrollment):
        count = len(invite_household(enrollment))
        return _("%(count)s mails are on their way.") % {"count": count}

    @post_action(
        permission="enrollments.change_enrollment",
        title=_("Set deadline"),
        confirm=_("For instance after an order of the court. The first date of the meeting stays as it is."),
        reason=True,
        form=DeadlineForm,
        states=_OPEN,
        available=_has_deadline,
        icon="event",
    )
    def deadline_set(self, request, enrollment, *, reason, data):
        set_deadline(enrollment, data["deadline"], reason=reason)
        return _("The deadline is set.")

    @post_action(
        permission="enrollments.override_time",
        title=_("Accept less than 60 minutes"),
        confirm=_("Credit counseling only. The reason stays on the record and is shown to auditors."),
        reason=True,
        states=_RUNNING,
        available=_may_take_less_time,
        icon="timer_off",
    )
    def override_time(self, request, enrollment, *, reason):
        override_cc_time(enrollment, reason=reason)
        return _("Less time is accepted for this client.")

    @post_action(
        permission="enrollments.cancel_enrollment",
        title=_("Cancel"),
        confirm=_("The enrollment ends. Money is refunded apart from it."),
        reason=True,
        states=_RUNNING,
        icon="cancel",
        danger=True,
        bulk=True,
    )
    def cancel(self, request, enrollment, *, reason):
        cancel_enrollment(enrollment, reason=reason)
        return _("The enrollment is cancelled.")
