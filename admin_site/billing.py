"""The billing page of the payments list: numbers of everything in sight, newest payments, newest joint households."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from admin_site.actions import console_view
from core.money import format_minor
from enrollments.models import Enrollment, Household
from enrollments.queries import payment_label, with_standing
from payments.queries import BillingSnapshot, billing_snapshot, classification, joint_households

SHOWN = 25
WORDS = 6


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its name, and the list behind it."""

    label: str
    value: int
    detail: str = ""
    url: str = ""


def tiles_of(snapshot: BillingSnapshot, payments: str, waivers: str) -> list[Tile]:
    """The snapshot as it is shown; `payments` and `waivers` are the addresses of the two lists."""
    arrived = format_minor(snapshot.succeeded_cents)
    if snapshot.refunded_cents:
        arrived += ", " + _("%(amount)s given back in all") % {"amount": format_minor(snapshot.refunded_cents)}
    return [
        Tile(_("Succeeded"), snapshot.succeeded, arrived, f"{payments}?status__exact=succeeded"),
        Tile(_("Pending"), snapshot.pending, url=f"{payments}?status__exact=pending"),
        Tile(_("Failures"), snapshot.failures, _("declined, or closed unpaid"), f"{payments}?status__exact=failed"),
        Tile(_("Recorded by hand"), snapshot.by_hand, _("among the succeeded"), f"{payments}?source__exact=manual"),
        Tile(_("Fee waived"), snapshot.waived, _("enrollments"), f"{payments}?classification=waived"),
        Tile(_("Waivers to decide"), snapshot.waivers_waiting, url=f"{waivers}?status__exact=requested"),
        Tile(_("Joint enrollments"), snapshot.joint_enrollments),
        Tile(_("Joint households"), snapshot.joint_households),
        Tile(_("Paid households"), snapshot.paid_households),
    ]


class BillingPage:
    """Mixin for the payment's admin class. `payments_q` and `households_q` in the address narrow the two panels."""

    @console_view("billing/", permission="payments.view_payment", detail=False)
    def billing(self: Any, request: HttpRequest) -> TemplateResponse:
        asked = {name: request.GET.get(name, "")[:100].replace("\x00", "") for name in ("payments_q", "households_q")}
        waivers = reverse("admin:payments_feewaiver_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Billing"),
            "opts": self.opts,
            "tiles": tiles_of(billing_snapshot(request.actor), self.list_url(), waivers),
            "payments": self._newest_payments(request, asked["payments_q"]),
            "households": _newest_households(request, asked["households_q"]),
            **asked,
        }
        return TemplateResponse(request, "console/payments/billing.html", context)

    def _newest_payments(self: Any, request: HttpRequest, words: str) -> list[dict[str, Any]]:
        rows, _many = self.get_search_results(request, self.get_queryset(request), words)
        return [
            {
                "row": row,
                "url": self.record_url(row),
                "label": classification(row).label,
                "money": format_minor(row.amount_cents, row.currency),
            }
            for row in rows.select_related("enrollment__client")[:SHOWN]
        ]


def _newest_households(request: Any, words: str) -> list[list[dict[str, Any]]]:
    """Joint households with everyone's place; found by last names."""
    mine = Enrollment.objects.permitted_to(request.actor, "enrollments.view_enrollment")
    members = with_standing(mine.select_related("client").order_by("created_at", "id"))
    rows = joint_households(Household.objects.permitted_to(request.actor, "enrollments.view_household"))
    for word in words.split()[:WORDS]:
        rows = rows.filter(pk__in=mine.filter(client__last_name__istartswith=word).values("household"))
    rows = rows.prefetch_related(Prefetch("enrollments", members, to_attr="in_sight")).order_by("-created_at", "id")
    return [
        [{"row": each, "label": payment_label(each).label} for each in household.in_sight] for household in rows[:SHOWN]
    ]
