"""Clients and households, with what is personal kept covered."""

from __future__ import annotations

from django.db.models import Prefetch
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.base import ConsoleModelAdmin
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import tone_of, tone_pill
from admin_site.register import console_register
from core.context import ANONYMOUS, current_actor
from core.search import find
from enrollments.enums import PaymentLabel
from enrollments.identity import identity_of
from enrollments.models import Client, Enrollment, Household
from enrollments.queries import payment_label, with_standing
from enrollments.validators import clean_birth_date, clean_name
from organizations.backends import allows

COVER = "••••"


class ClientEnrollmentInline(ConsoleTabularInline):
    model = Enrollment
    fk_name = "client"
    fields = readonly_fields = ("kind", "status", "case_number", "de_filing_deadline", "created_at")
    ordering = ("-created_at",)


@console_register(Client)
class ClientAdmin(ConsoleModelAdmin):
    list_display = ("last_name", "first_name", "email", "ssn", "has_login", "created_at")
    list_display_links = ("last_name", "first_name")
    list_filter = (("provider", ScopedRelatedFilter), ("firm", ScopedRelatedFilter), "language")
    search_through = ""
    search_help_text = _("Name, e-mail or phone")
    ordering = ("last_name", "first_name", "id")
    fields = (
        "first_name", "last_name", "email", "phone", "language", "ssn", "born", "spouse", "has_login", "created_at",
    )  # fmt: skip
    readonly_fields = ("ssn", "born", "spouse", "has_login", "created_at")
    inlines = (ClientEnrollmentInline,)
    bulk_fields = ("language",)
    addable = False
    empty_state = _("No clients yet. A client appears with the first enrollment.")

    def get_readonly_fields(self, request, obj=None):
        """Once the client signs in with it, the e-mail address is theirs to change."""
        fixed = super().get_readonly_fields(request, obj)
        return (*fixed, "email") if obj is not None and obj.user_id is not None else fixed

    @display(description=_("SSN"))
    def ssn(self, client):
        return f"{COVER}{client.ssn_last4}" if client.ssn_last4 else ""

    @display(description=_("birth date"))
    def born(self, client):
        """The day for those who have to identify the client; the year is covered for everyone else too."""
        if not client.birth_date:
            return ""
        if not allows(current_actor() or ANONYMOUS, "enrollments.identify_client", client):
            return COVER
        return date_format(clean_birth_date(client.birth_date), "DATE_FORMAT")

    @display(description=_("log-in"), boolean=True)
    def has_login(self, client):
        return client.user_id is not None

    @display(description=_("spouse"))
    def spouse(self, client):
        other = client.joint_filer
        return "" if other is None else _linked(other, other.full_name)

    def save_model(self, request, obj, form, change):
        """Names keep their form, and the digest for finding duplicates follows them."""
        obj.first_name, obj.last_name = clean_name(obj.first_name), clean_name(obj.last_name)
        super().save_model(request, obj, form, change)
        digest = identity_of(obj)
        if digest != obj.identity_hash:
            obj.identity_hash = digest
            obj.skip_history_when_saving = True
            obj.save(update_fields=["identity_hash"])


def _linked(row, text):
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text)


class HouseholdEnrollmentInline(ConsoleTabularInline):
    model = Enrollment
    fields = readonly_fields = ("client", "kind", "status", "case_number", "created_at")
    ordering = ("created_at",)


@console_register(Household)
class HouseholdAdmin(ConsoleModelAdmin):
    list_display = ("members", "states", "coverage", "created_at")
    list_filter = (("provider", ScopedRelatedFilter),)
    search_fields = ("pk",)
    search_help_text = _("Name, e-mail or case number of a member")
    ordering = ("-created_at", "id")
    fields = readonly_fields = ("members", "states", "coverage", "created_at")
    inlines = (HouseholdEnrollmentInline,)
    read_only = True
    empty_state = _("No households. Spouses who file together share one.")

    def get_queryset(self, request):
        mine = Enrollment.objects.permitted_to(request.actor, "enrollments.view_enrollment")
        members = with_standing(mine.joined("client").order_by("created_at", "id"))
        return super().get_queryset(request).prefetch_related(Prefetch("enrollments", members, to_attr="in_sight"))

    def get_search_results(self, request, queryset, search_term):
        """Households of which a member has the words."""
        if not search_term.strip():
            return queryset, False
        mine = Enrollment.objects.permitted_to(request.actor, "enrollments.view_enrollment")
        found = find(mine, search_term).exclude(household=None)
        return queryset.filter(pk__in=found.values("household").order_by()), False

    @display(description=_("members"))
    def members(self, household):
        return ", ".join(enrollment.client_name for enrollment in household.in_sight)

    @display(description=_("courses"))
    def states(self, household):
        pills = (
            (tone_pill(tone_of(enrollment.status), f"{enrollment.kind} {enrollment.get_status_display()}"),)
            for enrollment in household.in_sight
        )
        return format_html_join(" ", "{}", pills)

    @display(description=_("fee"))
    def coverage(self, household):
        labels = list(dict.fromkeys(payment_label(enrollment) for enrollment in household.in_sight))
        return ", ".join(str(PaymentLabel(label).label) for label in labels)
