"""The way to a refund: look at the money, say how much goes back and how, see what will happen, do it.

@console_register(Payment)
class PaymentAdmin(RefundPages, ...): ...

The page asks twice. The first answer is checked and sealed; the second page shows it line by line, with the mail the
client gets and whether another person has to approve, and sends the seal back. What changed in between refuses it.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admin_site.actions import console_view
from admin_site.refund_forms import Candidate, RefundForm, candidate
from core.errors import DomainError
from core.money import format_minor
from notifications.rendering import render
from payments.enums import RefundMethod
from payments.models import Payment, Refund
from payments.refund_plans import RefundPlan
from payments.services.giving_back import GivenBack, check_plan, give_back, limit_exceeded
from payments.services.receipts import receipt_number, refund_context
from payments.services.refunds import refund_guard, refundable_cents

REFUND = "payments.refund_payment"
SALT = "console.refund-plan"
SEALED_SECONDS = 3600


class RefundPages:
    """Mixin for the admin classes of payments and of enrollments."""

    @console_view(
        "refund/", permission=REFUND, methods=("GET", "HEAD", "POST"), title=gettext_lazy("Refund"), icon="undo"
    )
    def refund(self: Any, request: HttpRequest, row: Any) -> HttpResponse:
        chosen = row if isinstance(row, Payment) else None
        if request.method == "POST" and "sealed" in request.POST:
            return _do(self, request, row)
        found = list(_payments_around(request, row))
        candidates = [candidate(payment) for payment in found if refund_guard(payment) is None]
        if not candidates:
            return _page(self, request, row, "console/payments/refund_none.html", {"refusals": _why_not(found)})
        sent = (request.POST,) if request.method == "POST" else ()
        form = RefundForm(*sent, request=request, candidates=candidates, chosen=chosen)
        if request.method == "POST" and form.is_valid():
            return _look(self, request, row, form, candidates)
        return _page(self, request, row, "console/payments/refund.html", {"form": form, "candidates": candidates})


def _payments_around(request: Any, row: Any) -> Any:
    """The payment itself first, then those of its enrollment and household, as far as this person may refund them."""
    enrollment = row.enrollment if isinstance(row, Payment) else row
    rows = Payment.objects.permitted_to(request.actor, REFUND)
    around = rows.filter(pk__in=Payment.objects.covering(enrollment).values("pk")).exclude(succeeded_at=None)
    found = list(around.select_related("enrollment__client").order_by("-succeeded_at", "pk"))
    return sorted(found, key=lambda payment: payment.pk != row.pk)


def _why_not(payments: list[Payment]) -> list[tuple[Payment, DomainError]]:
    refused = ((payment, refund_guard(payment)) for payment in payments)
    return [(payment, refusal) for payment, refusal in refused if refusal is not None]


def _look(admin: Any, request: HttpRequest, row: Any, form: RefundForm, candidates: list[Candidate]) -> HttpResponse:
    """The page that says what will happen."""
    plan = form.plan()
    try:
        payments = check_plan(plan)
    except DomainError as refusal:
        form.add_error(None, str(refusal))
        return _page(admin, request, row, "console/payments/refund.html", {"form": form, "candidates": candidates})
    limit = limit_exceeded(plan, payments)
    wanted = dict(plan.lines)
    context = {
        "plan": plan,
        "lines": [_line(payment, wanted[payment.pk]) for payment in payments],
        "total": format_minor(plan.total_cents, payments[0].currency),
        "limit": format_minor(limit, payments[0].currency) if limit is not None else "",
        "by_card": plan.method == RefundMethod.CARD,
        "mail": _mail(payments[0], plan) if plan.notify else None,
        "sealed": signing.dumps([plan.as_params(), _standing(plan), str(request.actor.user_id)], salt=SALT),
    }
    return _page(admin, request, row, "console/payments/refund_confirm.html", context)


def _line(payment: Payment, cents: int) -> dict[str, Any]:
    return {
        "payment": payment,
        "number": receipt_number(payment),
        "paid": format_minor(payment.amount_cents, payment.currency),
        "back": format_minor(cents, payment.currency),
        "left": format_minor(refundable_cents(payment) - cents, payment.currency),
    }


def _mail(payment: Payment, plan: RefundPlan) -> Any:
    refund = Refund(
        payment=payment, amount_cents=dict(plan.lines)[payment.pk], method=plan.method, reference=plan.reference
    )
    return render("refund.sent", payment.enrollment.language, refund_context(refund))


def _standing(plan: RefundPlan) -> list[list[Any]]:
    """How the payments stand: what the confirmation rests on."""
    rows = Payment.objects.filter(pk__in=dict(plan.lines)).order_by("pk")
    return [[str(payment.pk), payment.status, refundable_cents(payment)] for payment in rows]


def _do(admin: Any, request: Any, row: Any) -> HttpResponse:
    try:
        params, standing, person = signing.loads(request.POST["sealed"], salt=SALT, max_age=SEALED_SECONDS)
        done = _carry_out(request, RefundPlan.from_params(params), standing, person)
    except (signing.BadSignature, ValueError):
        messages.error(request, str(DomainError("changed_meanwhile")))
        return HttpResponseRedirect(request.path)
    except DomainError as refusal:
        messages.error(request, f"{refusal} [{refusal.code}]")
        return HttpResponseRedirect(request.path)
    return _told(admin, request, row, done)


def _carry_out(request: Any, plan: RefundPlan, standing: list[list[Any]], person: str) -> GivenBack:
    """In the name of who looked at it, on payments they may still refund, while these stand as they were seen."""
    permitted = Payment.objects.permitted_to(request.actor, REFUND).filter(pk__in=dict(plan.lines))
    if person != str(request.actor.user_id) or permitted.count() != len(plan.lines):
        raise DomainError("permission_denied")
    is_repeat = Refund.objects.filter(pk__in=[plan.refund_id(pk) for pk, _cents in plan.lines]).exists()
    if not is_repeat and _standing(plan) != standing:
        raise DomainError("changed_meanwhile")
    return give_back(plan)


def _told(admin: Any, request: HttpRequest, row: Any, done: GivenBack) -> HttpResponse:
    if done.approval is not None:
        messages.success(request, _("Another person is asked now. Nothing goes back before they approve."))
        return HttpResponseRedirect(reverse("admin:approvals_approvalrequest_change", args=[done.approval.pk]))
    total = sum(refund.amount_cents for refund in done.refunds)
    messages.success(request, _("%(amount)s goes back to the client.") % {"amount": format_minor(total)})
    return HttpResponseRedirect(admin.record_url(row))


def _page(admin: Any, request: HttpRequest, row: Any, template: str, context: dict[str, Any]) -> TemplateResponse:
    client = (row.enrollment if isinstance(row, Payment) else row).client
    everywhere = admin.admin_site.each_context(request)
    own = {"title": _("Refund"), "opts": admin.opts, "row": row, "client": client, "back": admin.record_url(row)}
    return TemplateResponse(request, template, {**everywhere, **own, **context})
