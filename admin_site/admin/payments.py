"""Money: what came, what went back, who asked not to pay, and what the card gateway said."""

from __future__ import annotations

from typing import cast

from django.contrib.admin import SimpleListFilter
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.billing import BillingPage
from admin_site.bulk_refunds import BulkRefunds
from admin_site.exchange import ConsoleImportExport
from admin_site.exports import ConsoleExport
from admin_site.finance import FinancePage
from admin_site.inlines import ConsoleTabularInline
from admin_site.lists import ScopedRelatedFilter
from admin_site.money import DenyForm, GrantForm, ReduceForm, cents
from admin_site.periods import ArrivedFilter, DecidedFilter
from admin_site.pills import status_pill, tone_pill
from admin_site.refunding import RefundPages
from admin_site.register import console_register
from admin_site.sums import SummedList
from core import clock
from core.errors import DomainError
from core.money import format_minor
from enrollments.enums import PaymentLabel
from jobs.models import Job
from jobs.services import enqueue, rerun_job
from organizations.models import Organization
from payments.enums import PaymentSource, WaiverStatus
from payments.models import Dispute, FeeWaiver, GatewayEvent, Payment, Refund
from payments.queries import classification, classified_as, with_coverage
from payments.querysets import PaymentQuerySet
from payments.services.events import APPLY, ASK
from payments.services.receipts import receipt_number
from payments.services.waivers import decide_waiver, grant_guard
from resources.payments import PaymentResource
from resources.waivers import FeeWaiverResource

_LABEL_TONES = {PaymentLabel.CLIENT_PAYS: "warn", PaymentLabel.WAIVED: "info", PaymentLabel.CHARGED_BACK: "bad"}


class ClassificationFilter(SimpleListFilter):
    """Who bears the fee."""

    title = _("classification")
    parameter_name = "classification"

    def lookups(self, request, model_admin):
        return PaymentLabel.choices

    def queryset(self, request, queryset):
        return classified_as(queryset, self.value() or "")


class ReductionFilter(SimpleListFilter):
    """Waivers of the whole fee, or of a part of it."""

    title = _("fee")
    parameter_name = "reduction"

    def lookups(self, request, model_admin):
        return [("whole", _("Waived in full")), ("part", _("Reduced"))]

    def queryset(self, request, queryset):
        wanted = {"whole": True, "part": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(reduced_fee_cents__isnull=wanted)


class HouseholdFilter(SimpleListFilter):
    """Spouses who file together, or one person."""

    title = _("household")
    parameter_name = "household"

    def lookups(self, request, model_admin):
        return [("joint", _("Joint")), ("individual", _("Individual"))]

    def queryset(self, request, queryset):
        chosen = {"joint": False, "individual": True}.get(self.value() or "")
        return queryset if chosen is None else queryset.filter(household__isnull=chosen)


class RefundInline(ConsoleTabularInline):
    model = Refund
    fields = readonly_fields = ("money", "status", "method", "reference", "reason", "failure", "created_at")
    ordering = ("-created_at",)

    @display(description=_("amount"))
    def money(self, refund):
        return format_minor(refund.amount_cents)


class DisputeInline(ConsoleTabularInline):
    model = Dispute
    fields = readonly_fields = ("record", "status", "cause", "decision", "due_at", "closed_at")
    ordering = ("-opened_at",)

    @display(description=_("amount"))
    def record(self, dispute):
        url = reverse("admin:payments_dispute_change", args=[dispute.pk])
        return format_html('<a href="{}">{}</a>', url, format_minor(dispute.amount_cents, dispute.currency))


class GatewayEventInline(ConsoleTabularInline):
    model = GatewayEvent
    verbose_name_plural = _("What the gateway said")
    fields = readonly_fields = ("type", "event_id", "happened_at", "received_at", "applied_at", "outcome")
    ordering = ("-happened_at",)


def _is_card(payment):
    if payment.source == PaymentSource.CARD and payment.checkout_session_id:
        return None
    return DomainError("action_not_now", state=payment.get_source_display())


@console_register(Payment)
class PaymentAdmin(
    RefundPages, BulkRefunds, BillingPage, FinancePage, SummedList, ConsoleImportExport, ConsoleModelAdmin
):
    summed = (("amount_cents", _("paid")), ("refunded_cents", _("given back")))
    resource_class = PaymentResource
    list_display = (
        "created_at", "client", "course", "amount", status_pill, "source", "fee", "joint", "provider_name",
    )  # fmt: skip
    list_filter = (
        "status",
        "source",
        ArrivedFilter,
        ClassificationFilter,
        HouseholdFilter,
        ("provider", ScopedRelatedFilter),
    )
    list_select_related = ("enrollment__client",)
    search_through = "enrollment"
    search_exact = ("payment_intent_id", "checkout_session_id")
    search_help_text = _("Name, e-mail, case number or gateway’s id")
    date_drill = "created_at"
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("client", "course", "money", "refunded", "status", "fee", "joint")}),
        (
            _("Gateway"),
            {
                "classes": ("tab",),
                "fields": (
                    "source", "number", "checkout_session_id", "payment_intent_id", "failure", "note", "asked_at",
                    "created_at", "succeeded_at",
                ),
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "client", "course", "money", "refunded", "fee", "joint", "source", "number", "checkout_session_id",
        "payment_intent_id", "failure", "note", "asked_at", "created_at", "succeeded_at",
    )  # fmt: skip
    inlines = (RefundInline, DisputeInline, GatewayEventInline)
    list_before_template = "console/payments/billing_link.html"
    read_only = True
    empty_state = _("No payments yet. One appears when a client opens the card page, or when one is recorded by hand.")

    def get_queryset(self, request):
        names = Organization.objects.filter(pk=OuterRef("provider_id")).values("name")
        payments = cast("PaymentQuerySet", super().get_queryset(request))
        return with_coverage(payments).annotate(named_provider=Subquery(names))

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("client"), ordering="enrollment__client__last_name")
    def client(self, payment):
        return payment.enrollment.client.full_name

    @display(description=_("enrollment"), ordering="enrollment__kind")
    def course(self, payment):
        url = reverse("admin:enrollments_enrollment_change", args=[payment.enrollment_id])
        return format_html('<a href="{}">{}</a>', url, payment.enrollment.get_kind_display())

    @display(description=_("amount"), ordering="amount_cents")
    def money(self, payment):
        return format_minor(payment.amount_cents, payment.currency)

    @display(description=_("amount"), ordering="amount_cents")
    def amount(self, payment):
        """For the list: what was paid, less what went back."""
        paid = format_minor(payment.amount_cents, payment.currency)
        given = payment.refunded_cents
        return f"{paid} − {format_minor(given, payment.currency)}" if given else paid

    @display(description=_("given back"), ordering="refunded_cents")
    def refunded(self, payment):
        """With the refunds that add up to it."""
        if not payment.refunded_cents:
            return ""
        url = reverse("admin:payments_refund_changelist") + f"?payment__id__exact={payment.pk}"
        return format_html('<a href="{}">{}</a>', url, format_minor(payment.refunded_cents, payment.currency))

    @display(description=_("classification"))
    def fee(self, payment):
        label = classification(payment)
        return tone_pill(_LABEL_TONES.get(label, "good"), label.label)

    @display(description=_("household"), ordering="household")
    def joint(self, payment):
        if payment.household_id is None:
            return _("Individual")
        url = reverse("admin:enrollments_household_change", args=[payment.household_id])
        return format_html('<a href="{}">{}</a>', url, _("Joint"))

    @display(description=_("provider"), ordering="provider__name")
    def provider_name(self, payment):
        return payment.named_provider or ""

    @display(description=_("receipt number"))
    def number(self, payment):
        return receipt_number(payment)

    # --- acts -------------------------------------------------------------------------------------------------------
    @post_action(
        permission="payments.refund_payment",
        title=_("Ask the card service again"),
        confirm=_("The worker asks how this payment stands and brings the record there. Nothing is charged."),
        available=_is_card,
        icon="sync",
        lock=False,
    )
    def ask_again(self, request, payment):
        key = f"ask-gateway:{payment.pk}:{clock.now():%Y%m%dT%H%M%S}"
        enqueue(ASK, payment, dedupe_key=key, organization=payment.provider_id)
        return _("The card service is being asked. Reload in a moment.")


_DECIDABLE = frozenset({WaiverStatus.REQUESTED, WaiverStatus.DENIED})


@console_register(FeeWaiver)
class FeeWaiverAdmin(ConsoleExport, ConsoleModelAdmin):
    resource_class = FeeWaiverResource
    list_display = ("created_at", "client", "household_size", "income", "line", "presumption", status_pill)
    list_filter = (
        "status", "is_presumed", "waiver_class", ReductionFilter, DecidedFilter, ("provider", ScopedRelatedFilter),
    )  # fmt: skip
    list_select_related = ("enrollment__client",)
    search_through = "enrollment"
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("client", "course", "status", "presumption", "waiver_class", "reduced")}),
        (_("Worksheet"), {"fields": ("household_size", "income", "state", "line", "guideline_year", "explanation")}),
        (_("Decision"), {"fields": ("decided_by", "decided_at", "decision_note", "created_at")}),
    )
    readonly_fields = (
        "client", "course", "presumption", "waiver_class", "reduced", "household_size", "income", "state", "line",
        "guideline_year", "explanation", "decided_by", "decided_at", "decision_note", "created_at",
    )  # fmt: skip
    read_only = True
    empty_state = _("Nobody asked for a fee waiver. Clients ask on their course page, before they pay.")

    @display(description=_("client"), ordering="enrollment__client__last_name")
    def client(self, waiver):
        return waiver.enrollment.client.full_name

    @display(description=_("enrollment"))
    def course(self, waiver):
        url = reverse("admin:enrollments_enrollment_change", args=[waiver.enrollment_id])
        return format_html('<a href="{}">{}</a>', url, waiver.enrollment.get_kind_display())

    @display(description=_("income a year"), ordering="annual_income_cents")
    def income(self, waiver):
        return format_minor(waiver.annual_income_cents)

    @display(description=_("150 % of the guideline"), ordering="threshold_cents")
    def line(self, waiver):
        return format_minor(waiver.threshold_cents)

    @display(description=_("presumption"), ordering="is_presumed")
    def presumption(self, waiver):
        if waiver.is_presumed:
            return tone_pill("good", _("Presumed unable to pay"))
        return tone_pill("soft", _("Not presumed"))

    @display(description=_("reduced fee"))
    def reduced(self, waiver):
        return format_minor(waiver.reduced_fee_cents) if waiver.reduced_fee_cents else ""

    @post_action(
        permission="payments.decide_feewaiver",
        title=_("Waive the fee"),
        confirm=_("The client pays nothing, gets a mail, and can begin the course."),
        form=GrantForm,
        states=_DECIDABLE,
        available=grant_guard,
        icon="volunteer_activism",
        lock=False,
    )
    def waive(self, request, waiver, *, data):
        decide_waiver(waiver, grant=True, note=data["note"])
        return _("The fee is waived.")

    @post_action(
        permission="payments.decide_feewaiver",
        title=_("Reduce the fee"),
        confirm=_("The client pays the reduced fee and gets a mail."),
        form=ReduceForm,
        states=_DECIDABLE,
        available=grant_guard,
        icon="percent",
        lock=False,
    )
    def reduce(self, request, waiver, *, data):
        decide_waiver(waiver, grant=True, note=data["note"], reduced_fee_cents=cents(data["fee"]))
        return _("The fee is reduced.")

    @post_action(
        permission="payments.decide_feewaiver",
        title=_("Deny"),
        confirm=_("The client gets a mail with your reason, and may ask again."),
        form=DenyForm,
        states={WaiverStatus.REQUESTED},
        icon="block",
        danger=True,
        lock=False,
    )
    def deny(self, request, waiver, *, data):
        decide_waiver(waiver, grant=False, note=data["note"])
        return _("The waiver is denied.")


def _parked_job(event):
    return Job.objects.parked().filter(kind=APPLY, dedupe_key=f"gateway-event:{event.event_id}").first()


def _is_parked(event):
    if _parked_job(event) is not None:
        return None
    return DomainError("action_not_now", state=_("applied") if event.applied_at else _("waiting for the worker"))


@console_register(GatewayEvent)
class GatewayEventAdmin(ConsoleModelAdmin):
    list_display = ("received_at", "type", "event_id", "happened_at", "applied_at", "outcome")
    list_filter = ()  # a kind of event is searched for: the gateway knows hundreds
    search_fields = ("event_id__exact", "type__istartswith")
    ordering = ("-received_at", "id")
    fields = readonly_fields = (
        "event_id", "type", "payment", "happened_at", "received_at", "applied_at", "outcome", "payload",
    )  # fmt: skip
    read_only = True
    empty_state = _("Nothing was heard from the card service yet.")

    @post_action(
        permission="jobs.rerun_job",
        title=_("Apply again"),
        confirm=_("The worker asks the card service again. An event has its effect once, however often it is applied."),
        reason=True,
        available=_is_parked,
        icon="replay",
        lock=False,
    )
    def apply_again(self, request, event, *, reason):
        rerun_job(_parked_job(event), reason=reason)
        return _("The event waits for the worker.")
