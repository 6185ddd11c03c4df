"""The proof of the books: every night's comparison, and each difference with the act that mends it."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import status_pill, tone_pill
from admin_site.register import console_register
from audit.services import record
from core import clock
from core.money import format_minor
from jobs.services import enqueue
from organizations.models import Organization
from proofs.enums import DifferenceStatus
from proofs.models import ProofDifference, ProofRun
from proofs.services.mending import ask_to_mend, explain, mend_guard
from proofs.services.proving import PROVE


@console_register(ProofRun)
class ProofRunAdmin(ConsoleModelAdmin):
    list_display = ("created_at", "verdict", "compared_shown", "found", "gone", "asked_gateway")
    list_filter = ("asked_gateway",)
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("verdict", "created_at", "finished_at", "since", "until", "asked_gateway")}),
        (
            _("Compared"),
            {"fields": ("payments", "refunds", "disputes", "enrollments", "found", "gone", "differences_link")},
        ),
    )
    readonly_fields = ("verdict", "differences_link")
    read_only = True
    list_before_template = "console/proofs/what.html"
    empty_state = _("No proof yet. It runs every night at a quarter past four, UTC.")

    @display(description=_("unexplained"), ordering="unexplained")
    def verdict(self, run):
        if run.unexplained:
            return tone_pill("bad", _("%(count)s unexplained") % {"count": run.unexplained})
        return tone_pill("good", _("0 unexplained"))

    @display(description=_("rows compared"))
    def compared_shown(self, run):
        return f"{run.compared:,}"

    @display(description=_("differences"))
    def differences_link(self, run):
        url = reverse("admin:proofs_proofdifference_changelist") + "?status__exact=open"
        return format_html('<a href="{}">{}</a>', url, _("All unexplained differences"))

    @post_action(
        permission="proofs.start_proofrun",
        title=_("Compare again now"),
        confirm=_("The worker compares the books of the last five weeks once more. Nothing is changed by it."),
        icon="fact_check",
        lock=False,
    )
    def again(self, request, run):
        enqueue(PROVE, dedupe_key=f"proof:by-hand:{clock.now():%Y%m%dT%H%M%S%f}")
        record("proofrun.asked", run)
        return _("The books are being compared. Reload the list in a moment.")


@console_register(ProofDifference)
class ProofDifferenceAdmin(ConsoleModelAdmin):
    list_display = ("kind_shown", status_pill, "provider_name", "ours_shown", "theirs_shown", "happened_at")
    list_filter = ("status", "kind", ("provider", ScopedRelatedFilter))
    search_fields = ("gateway_id__exact",)
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("kind_shown", "ours_shown", "theirs_shown", "provider_name", "happened_at", "status")}),
        (_("Where"), {"fields": ("payment_link", "refund_link", "enrollment_link", "gateway_id")}),
        (_("History"), {"fields": ("first_seen", "last_seen", "resolved_at", "explanation")}),
    )
    readonly_fields = (
        "kind_shown", "ours_shown", "theirs_shown", "provider_name", "payment_link", "refund_link", "enrollment_link",
    )  # fmt: skip
    read_only = True
    list_before_template = "console/proofs/what.html"
    empty_state = _("The books agree: nothing is unexplained.")

    def get_queryset(self, request):
        names = Organization.objects.filter(pk=OuterRef("provider_id")).values("name")
        return super().get_queryset(request).annotate(named_provider=Subquery(names))

    @display(description=_("what"), ordering="kind")
    def kind_shown(self, difference):
        return difference.get_kind_display()

    @display(description=_("provider"))
    def provider_name(self, difference):
        return difference.named_provider or ""

    @display(description=_("in our books"))
    def ours_shown(self, difference):
        return _side(difference.ours, difference.ours_cents)

    @display(description=_("on the other side"))
    def theirs_shown(self, difference):
        return _side(difference.theirs, difference.theirs_cents)

    @display(description=_("payment"))
    def payment_link(self, difference):
        return _link("payments_payment", difference.payment_id, _("Open the payment"))

    @display(description=_("refund"))
    def refund_link(self, difference):
        return _link("payments_refund", difference.refund_id, _("Open the refund"))

    @display(description=_("enrollment"))
    def enrollment_link(self, difference):
        return _link("enrollments_enrollment", difference.enrollment_id, _("Open the enrollment"))

    @post_action(
        permission="proofs.fix_proofdifference",
        title=_("Mend it"),
        confirm=_(
            "The worker asks the card service how the money stands and brings our books there, or opens the course "
            "that is paid for. No money moves."
        ),
        available=mend_guard,
        states={DifferenceStatus.OPEN, DifferenceStatus.EXPLAINED},
        icon="build",
        row=True,
        bulk=True,
        lock=False,
    )
    def mend(self, request, difference):
        ask_to_mend(difference)
        return _("The worker is on it. Reload in a moment.")

    @post_action(
        permission="proofs.fix_proofdifference",
        title=_("Explain"),
        confirm=_("Say why the difference may stand. It counts as explained until it changes."),
        reason=True,
        states={DifferenceStatus.OPEN},
        icon="edit_note",
        bulk=True,
        lock=False,
    )
    def explain(self, request, difference, *, reason):
        explain(difference, reason=reason)
        return _("The difference is explained.")


def _side(state, cents):
    parts = [format_minor(cents)] if cents is not None else []
    return " · ".join([*parts, state] if state else parts) or _("nothing")


def _link(name, pk, text):
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}_change", args=[pk]), text) if pk else ""
