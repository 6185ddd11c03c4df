"""Give many payments back from the list: one form, a result for each, and the report as a page and a file.

@console_register(Payment)
class PaymentAdmin(BulkRefunds, ...): ...
"""

from __future__ import annotations

import csv
import io
import uuid
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from admin_site.actions import BULK_LIMIT, console_view
from admin_site.refund_forms import WhyForm, cents_of
from core.errors import DomainError
from core.money import format_minor
from payments.enums import PaymentSource, RefundCause
from payments.models import BulkRefundLine, Payment
from payments.services.bulk_refunds import BulkRefund, refund_many
from payments.services.receipts import receipt_number
from payments.services.refunds import refund_guard, refundable_cents
from resources.cells import safe_text_cell

REFUND = "payments.refund_payment"
VIEW = "payments.view_payment"


class BulkRefundForm(WhyForm):
    """How much of each, and why. `run` is minted with the page, so that sending it twice refunds once."""

    run = forms.UUIDField(widget=forms.HiddenInput)
    amount = forms.DecimalField(
        label=gettext_lazy("Amount of each in dollars"), min_value=Decimal("0.01"), max_digits=9, decimal_places=2,
        required=False, help_text=gettext_lazy("Empty: all that is left of each."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["run", "amount", "cause", "reason", "reference", "notify"])


class BulkRefunds:
    """Mixin for the payment's admin class."""

    def get_actions(self: Any, request: HttpRequest) -> dict[str, Any]:
        found: dict[str, Any] = super().get_actions(request)
        if self.may(request, REFUND):
            found["refund_many"] = (_ask, "refund_many", gettext_lazy("Refund"))
        return found

    @console_view("refund-many/", permission=REFUND, detail=False, methods=("POST",))
    def refund_many(self: Any, request: HttpRequest) -> HttpResponse:
        """The form comes back filled in: refund each, then show the report. One of which another amount is left than
        the page said is reported, not refunded."""
        keys = request.POST.getlist("pk")
        if len(keys) > BULK_LIMIT:
            messages.error(request, str(DomainError("too_many_selected", count=len(keys), limit=BULK_LIMIT)))
            return HttpResponseRedirect(self.list_url())
        rows = _chosen(self, request, keys)
        form = BulkRefundForm(request.POST, request=request)
        if not form.is_valid() or not rows:
            return _form_page(self, request, rows, form)
        data = form.cleaned_data
        wish = BulkRefund(
            run=data["run"],
            payments=[payment.pk for payment in rows],
            reason=data["reason"],
            cause=RefundCause(data["cause"]),
            cents=cents_of(data["amount"]) or None,
            reference=data["reference"].strip(),
            notify=data["notify"],
            shown=_left_as_shown(request, rows),
        )
        refund_many(wish)
        return HttpResponseRedirect(f"{_address(self, 'bulk_report')}?run={wish.run}")

    @console_view("bulk-refund/", permission=VIEW, detail=False)
    def bulk_report(self: Any, request: HttpRequest) -> HttpResponse:
        """What became of each payment of one bulk refund, as it stands now."""
        lines = [_shown(self, line) for line in _lines(request)]
        context = {
            "lines": lines,
            "done": sum(line["tone"] == "good" for line in lines),
            "asked": sum(line["tone"] == "info" for line in lines),
            "left": sum(line["tone"] == "bad" for line in lines),
            "file": f"{_address(self, 'bulk_report_file')}?run={request.GET['run']}",
        }
        return _page(self, request, "console/payments/bulk_report.html", _("Bulk refund"), context)

    @console_view("bulk-refund/file/", permission=VIEW, detail=False)
    def bulk_report_file(self: Any, request: HttpRequest) -> HttpResponse:
        """The same as CSV, with cells that no spreadsheet takes for a formula."""
        target = io.StringIO()
        sheet = csv.writer(target)
        sheet.writerow(["payment", "receipt", "client", "amount_cents", "result", "refund", "approval", "code", "text"])
        for line in _lines(request):
            payment = line.payment
            client = safe_text_cell(payment.enrollment.client.full_name)
            sheet.writerow([
                payment.pk, receipt_number(payment), client, line.amount_cents, _result(line), line.refund_id or "",
                line.approval_id or "", line.code, safe_text_cell(line.sentence),
            ])  # fmt: skip
        answer = HttpResponse(target.getvalue(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="bulk-refund-{request.GET["run"]}.csv"'
        return answer


def _ask(admin: Any, request: HttpRequest, queryset: Any) -> HttpResponse:
    """The list's action: the form over the ticked payments. It refunds nothing."""
    keys = list(queryset.values_list("pk", flat=True)[: BULK_LIMIT + 1])
    if len(keys) > BULK_LIMIT:
        messages.error(request, str(DomainError("too_many_selected", count=queryset.count(), limit=BULK_LIMIT)))
        return HttpResponseRedirect(request.get_full_path())
    form = BulkRefundForm(request=request, initial={"run": uuid.uuid4()})
    return _form_page(admin, request, _chosen(admin, request, keys), form)


def _chosen(admin: Any, request: Any, keys: list[Any]) -> list[Payment]:
    """The ticked payments that this person may refund, in the order in which they were ticked."""
    wanted = [UUID(str(key)) for key in dict.fromkeys(keys) if _is_id(key)][:BULK_LIMIT]
    rows = Payment.objects.permitted_to(request.actor, REFUND).filter(pk__in=wanted)
    found = {payment.pk: payment for payment in rows.select_related("enrollment__client")}
    return [found[key] for key in wanted if key in found]


def _left_as_shown(request: HttpRequest, rows: list[Payment]) -> dict[UUID, int]:
    """What the page said was left of each payment, in cents."""
    told = {payment.pk: request.POST.get(f"left-{payment.pk}", "") for payment in rows}
    return {key: int(cents) for key, cents in told.items() if cents.isascii() and cents.isdigit()}


def _is_id(key: Any) -> bool:
    try:
        UUID(str(key))
    except ValueError:
        return False
    return True


def _form_page(admin: Any, request: HttpRequest, rows: list[Payment], form: BulkRefundForm) -> HttpResponse:
    possible, impossible = [], []
    for payment in rows:
        refusal = refund_guard(payment)
        if refusal is None:
            left = refundable_cents(payment)
            by_hand = payment.source == PaymentSource.MANUAL
            possible.append({"payment": payment, "left": format_minor(left), "by_hand": by_hand, "cents": left})
        else:
            impossible.append({"payment": payment, "refusal": refusal})
    context = {
        "form": form,
        "possible": possible,
        "impossible": impossible,
        "total": format_minor(sum(line["cents"] for line in possible)),
        "address": _address(admin, "refund_many"),
        "back": admin.list_url(),
    }
    return _page(admin, request, "console/payments/bulk_refund.html", _("Refund payments"), context)


def _lines(request: Any) -> list[BulkRefundLine]:
    """The lines of the run in the address, as far as this person may see them; 404 when there are none."""
    run = request.GET.get("run", "")
    if not _is_id(run):
        raise Http404
    rows = BulkRefundLine.objects.permitted_to(request.actor, VIEW).filter(run=run)
    found = list(rows.select_related("payment__enrollment__client", "refund", "approval").order_by("position"))
    if not found:
        raise Http404
    return found


def _result(line: BulkRefundLine) -> str:
    if line.refund is not None:
        return f"refund {line.refund.status}"
    return f"approval {line.approval.status}" if line.approval is not None else "refused"


def _shown(admin: Any, line: BulkRefundLine) -> dict[str, Any]:
    shown = {
        "client": line.payment.enrollment.client.full_name,
        "url": admin.record_url(line.payment),
        "number": receipt_number(line.payment),
        "amount": format_minor(line.amount_cents, line.payment.currency),
        "detail": line.sentence,
        "code": line.code,
    }
    if line.refund is not None:
        url = reverse("admin:payments_refund_change", args=[line.refund_id])
        return shown | {"tone": "good", "pill": line.refund.get_status_display(), "result_url": url}
    if line.approval is not None:
        url = reverse("admin:approvals_approvalrequest_change", args=[line.approval_id])
        return shown | {"tone": "info", "pill": line.approval.get_status_display(), "result_url": url}
    return shown | {"tone": "bad", "pill": _("Refused"), "result_url": ""}


def _address(admin: Any, name: str) -> str:
    return reverse(f"admin:{admin.address_name(name)}")


def _page(admin: Any, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    everywhere = admin.admin_site.each_context(request)
    own = {"title": title, "opts": admin.opts, "back": admin.list_url()}
    return TemplateResponse(request, template, {**everywhere, **own, **context})
