"""Money that went back, or is on its way."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.base import ConsoleModelAdmin
from admin_site.exports import ConsoleExport
from admin_site.lists import ScopedRelatedFilter
from admin_site.periods import CameBackFilter, RefundedFilter
from admin_site.pills import status_pill
from admin_site.register import console_register
from admin_site.sums import SummedList
from core.money import format_minor
from payments.models import Refund
from payments.services.receipts import receipt_number
from resources.refunds import RefundResource


@console_register(Refund)
class RefundAdmin(SummedList, ConsoleExport, ConsoleModelAdmin):
    resource_class = RefundResource
    summed = (("amount_cents", _("given back")),)
    list_display = ("created_at", "client", "money", status_pill, "method", "cause", "reason", "failure")
    list_filter = (
        "status", "method", "cause", RefundedFilter, CameBackFilter, ("payment__provider", ScopedRelatedFilter),
    )  # fmt: skip
    list_select_related = ("payment__enrollment__client", "approval")
    search_through = "payment__enrollment"
    search_exact = ("gateway_id",)
    ordering = ("-created_at", "id")
    fieldsets = (
        (None, {"fields": ("receipt", "money", "status", "method", "reference", "cause", "reason")}),
        (_("How it went"), {"fields": ("asked", "notifies_client", "failure", "gateway_id", "created_at")}),
    )
    readonly_fields = (
        "receipt", "money", "method", "reference", "cause", "reason", "asked", "notifies_client", "failure",
        "gateway_id", "created_at",
    )  # fmt: skip
    read_only = True
    empty_state = _("No refunds. They are decided on the payment.")

    def lookup_allowed(self, lookup, value, request=None):
        """The amount on a payment leads to its refunds."""
        return lookup == "payment__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(description=_("client"))
    def client(self, refund):
        return refund.payment.enrollment.client.full_name

    @display(description=_("payment"))
    def receipt(self, refund):
        url = reverse("admin:payments_payment_change", args=[refund.payment_id])
        return format_html('<a href="{}">{}</a>', url, receipt_number(refund.payment))

    @display(description=_("approved by"))
    def asked(self, refund):
        if refund.approval is None:
            return _("One person sufficed")
        url = reverse("admin:approvals_approvalrequest_change", args=[refund.approval_id])
        return format_html('<a href="{}">{}</a>', url, refund.approval.decider_name)

    @display(description=_("amount"), ordering="amount_cents")
    def money(self, refund):
        return format_minor(refund.amount_cents, refund.payment.currency)
