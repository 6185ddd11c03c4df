"""Requests from the public page: answer them, convert them, invite."""

from __future__ import annotations

from django import forms
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import ActionForm, post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from enrollments.enums import REQUEST_TRANSITIONS, FilingMode, RequestStatus
from enrollments.models import Enrollment, EnrollmentRequest
from enrollments.services.requests import convert_and_invite, move_request
from organizations.models import Organization

_WAITING = frozenset({RequestStatus.SUBMITTED, RequestStatus.REVIEWING})
_MOVABLE = frozenset(status for status, steps in REQUEST_TRANSITIONS.items() if steps)
_WISH = ("first_name", "last_name", "email", "phone", "spouse_first_name", "spouse_last_name", "spouse_email")
_CASE = ("district", "chapter", "case_number", "first_set_341_date", "de_filing_deadline", "language")


class MoveForm(ActionForm):
    """Where the request goes: only steps that are possible from where it is."""

    to = forms.ChoiceField(label=_("New status"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        steps = RequestStatus.values if self.row is None else REQUEST_TRANSITIONS[self.row.status]
        self.fields["to"].choices = [(value, label) for value, label in RequestStatus.choices if value in steps]


class RequestEnrollmentInline(ConsoleTabularInline):
    model = Enrollment
    fk_name = "request"
    fields = readonly_fields = ("client", "kind", "status", "created_at")


@console_register(EnrollmentRequest)
class EnrollmentRequestAdmin(ConsoleModelAdmin):
    list_display = ("who", "kind", "mode", status_pill, "district", "provider_name", "created_at")
    list_filter = ("status", "kind", "mode", ("provider", ScopedRelatedFilter))
    list_select_related = ("district",)
    search_through = ""
    search_help_text = _("Name, e-mail, phone or case number")
    date_drill = "created_at"
    ordering = ("-created_at", "id")
    bulk_fields = ("district", "chapter", "language")
    fieldsets = (
        (None, {"fields": ("provider_name", "kind", "mode", "status", "created_at", "source_page")}),
        (_("Who asks"), {"fields": _WISH}),
        (_("Case"), {"fields": _CASE}),
    )
    readonly_fields = ("provider_name", "kind", "mode", "created_at", "source_page")
    inlines = (RequestEnrollmentInline,)
    addable = False
    empty_state = _("No requests. People send them from the provider's public page.")

    def get_queryset(self, request):
        names = Organization.objects.filter(pk=OuterRef("provider_id")).values("name")
        return super().get_queryset(request).annotate(named_provider=Subquery(names))

    def get_readonly_fields(self, request, obj=None):
        """A request that is answered stays as it was."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if obj is None or obj.status in _WAITING else (*fixed, *_WISH, *_CASE)

    @display(description=_("who asks"), ordering="last_name")
    def who(self, wish):
        both = f" + {wish.spouse_first_name} {wish.spouse_last_name}" if wish.mode == FilingMode.JOINT else ""
        return f"{wish.first_name} {wish.last_name}{both}"

    @display(description=_("provider"), ordering="provider__name")
    def provider_name(self, wish):
        return wish.named_provider or ""

    @post_action(
        permission="enrollments.convert_enrollmentrequest",
        title=_("Convert and invite"),
        confirm=_("Makes the enrollment, or two for a joint filing, and mails the invitation."),
        states=_WAITING,
        icon="person_add",
        row=True,
        bulk=True,
    )
    def convert(self, request, wish):
        made = convert_and_invite(wish)
        return _("Enrolled and invited: %(names)s.") % {"names": ", ".join(each.client.full_name for each in made)}

    @post_action(
        permission="enrollments.change_enrollmentrequest",
        title=_("Set status"),
        confirm=_("“Invited” converts the request and sends the mail."),
        form=MoveForm,
        states=_MOVABLE,
        icon="flag",
        row=True,
        bulk=True,
    )
    def move(self, request, wish, *, data):
        moved = move_request(wish, data["to"])
        return _("Now: %(status)s.") % {"status": moved.get_status_display()}
