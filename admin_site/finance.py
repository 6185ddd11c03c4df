"""The finance page of the payments list: totals by provider and period, each amount a link to the rows behind it."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from admin_site.actions import console_view, dress
from admin_site.exchange_pages import download
from audit.services import record
from core import clock
from core.money import format_minor
from organizations.backends import allows
from organizations.models import Organization
from payments.finance import Figures, Line, finance_lines, totals
from resources.exporting import FORMATS

LONGEST = dt.timedelta(days=366 * 3)
BARS = 24
COLUMNS = (
    "provider", "from", "to", "payments", "paid", "refunds", "refunded", "refunds_came_back", "came_back", "net",
    "courses_opened", "fees_waived", "fees_reduced", "waivers_denied",
)  # fmt: skip


class FinanceForm(forms.Form):
    """Which periods, and whose."""

    unit = forms.ChoiceField(
        choices=[("day", gettext_lazy("By day")), ("month", gettext_lazy("By month")),
                 ("quarter", gettext_lazy("By quarter"))], label=gettext_lazy("Periods"), required=False,
    )  # fmt: skip
    first = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput())
    provider = forms.ModelChoiceField(
        Organization.objects.none(), label=gettext_lazy("Provider"), required=False,
        empty_label=gettext_lazy("All providers"),
    )  # fmt: skip

    def __init__(self, data: Any, *, providers: Any) -> None:
        super().__init__(_with_defaults(data))
        self.fields["provider"].queryset = providers
        for bound in self.fields.values():
            dress(bound)

    def clean(self) -> dict[str, Any]:
        """Never more than three years."""
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and first > last:
            raise forms.ValidationError(_("The first day comes after the last."))
        if first and last and last - first > LONGEST:
            raise forms.ValidationError(_("Choose at most three years."))
        return cleaned


def _with_defaults(data: Any) -> dict[str, Any]:
    """What was asked for; where nothing was said, months, and the last three of them. Shown in the form as such."""
    last = _day(data.get("last")) or clock.today()
    first = (last.replace(day=1) - dt.timedelta(days=62)).replace(day=1)
    defaults = {"unit": "month", "first": first.isoformat(), "last": last.isoformat(), "provider": ""}
    return {name: data.get(name) or default for name, default in defaults.items()}


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text or "")
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure as it is shown, and the list of the rows that add up to it."""

    text: str
    url: str = ""


class FinancePage:
    """Mixin for the payment's admin class."""

    @console_view("finance/", permission="payments.view_payment", detail=False)
    def finance(self: Any, request: HttpRequest) -> HttpResponse:
        form = FinanceForm(request.GET, providers=_providers(request))
        lines = _lines(request, form) if form.is_valid() else []
        chosen = form.cleaned_data if form.is_valid() else {}
        context = {
            **self.admin_site.each_context(request), "title": _("Finance"), "opts": self.opts, "form": form,
            "chosen": chosen, "lines": [(line, amounts_of(line)) for line in lines], "bars": bars_of(lines),
            "total": amounts(totals(lines), chosen["first"], chosen["last"], _pk(chosen)) if chosen else None,
            "may_export": allows(request.actor, "payments.export_payment"), "query": request.GET.urlencode(),
        }  # fmt: skip
        return TemplateResponse(request, "console/payments/finance.html", context)

    @console_view("finance/export/", permission="payments.export_payment", detail=False, methods=("POST",))
    def finance_export(self: Any, request: HttpRequest) -> HttpResponse:
        """The lines of the page as a file, with a last line that is their sum."""
        form = FinanceForm(request.GET, providers=_providers(request))
        name = request.POST.get("format", "csv")
        if not form.is_valid() or name not in FORMATS:
            return HttpResponse(status=400)
        lines, sink = _lines(request, form), io.BytesIO()
        written = FORMATS[name]()
        written.write(sink, rows_of(lines))
        span = f"{form.cleaned_data['first']}-{form.cleaned_data['last']}"
        record(
            "finance.exported", User.objects.get(pk=request.actor.user_id),
            payload={"rows": len(lines), "format": name, "filter": span, "net_cents": totals(lines).net_cents},
        )  # fmt: skip
        return download(written, sink.getvalue(), f"finance-{span}")


def rows_of(lines: list[Line]) -> Iterator[list[Any]]:
    """The file: a heading, the lines, and their sum. Amounts are numbers with two digits."""
    yield list(COLUMNS)
    for line in lines:
        yield [line.provider, line.begins, line.ends, *_cells(line.figures)]
    yield ["TOTAL", None, None, *_cells(totals(lines))]


def _cells(figures: Figures) -> list[Any]:
    def dollars(cents: int) -> Decimal:
        return Decimal(cents).scaleb(-2)

    return [
        figures.payments, dollars(figures.payments_cents), figures.refunds, dollars(figures.refunds_cents),
        figures.came_back, dollars(figures.came_back_cents), dollars(figures.net_cents), figures.fees, figures.waived,
        figures.reduced, figures.denied,
    ]  # fmt: skip


def amounts_of(line: Line) -> dict[str, Amount]:
    return amounts(line.figures, line.begins, line.ends, line.provider_id)


def amounts(figures: Figures, first: dt.date, last: dt.date, provider: UUID | None) -> dict[str, Amount]:
    """Every figure with the address of the rows behind it: the same days, the same provider."""

    def rows(model: str, **filters: str) -> str:
        home = {"payment": "provider", "feewaiver": "provider", "refund": "payment__provider"}[model]
        chosen = filters | ({f"{home}__id__exact": str(provider)} if provider else {})
        return reverse(f"admin:payments_{model}_changelist") + "?" + urlencode(chosen)

    span = f"{first}..{last}"
    waivers = rows("feewaiver", decided=span)
    return {
        "paid": Amount(format_minor(figures.payments_cents), rows("payment", arrived=span)),
        "refunded": Amount(format_minor(figures.refunds_cents), rows("refund", succeeded=span)),
        "came_back": Amount(format_minor(figures.came_back_cents), rows("refund", came_back=span)),
        "net": Amount(format_minor(figures.net_cents)),
        "fees": Amount(str(figures.fees)),
        "waived": Amount(str(figures.waived), waivers + "&status__exact=granted&reduction=whole"),
        "reduced": Amount(str(figures.reduced), waivers + "&status__exact=granted&reduction=part"),
        "denied": Amount(str(figures.denied), waivers + "&status__exact=denied"),
    }


def bars_of(lines: list[Line]) -> list[dict[str, Any]]:
    """What came and what went back in each period, for a small chart of the newest BARS periods."""
    by_period: dict[dt.date, Figures] = {}
    for line in lines:
        by_period[line.begins] = by_period.get(line.begins, Figures()) + line.figures
    newest = sorted(by_period.items())[-BARS:]
    most = max((figures.payments_cents for _begins, figures in newest), default=0) or 1
    bars = []
    for begins, figures in newest:
        came, went = (max(0, round(100 * cents / most)) for cents in (figures.payments_cents, figures.refunds_cents))
        bars.append(
            {"begins": begins, "came": max(came, 1), "top": 100 - max(came, 1), "went": min(went, 100),
             "went_top": 100 - min(went, 100), "net": format_minor(figures.net_cents)}
        )  # fmt: skip
    return bars


def _lines(request: Any, form: FinanceForm) -> list[Line]:
    chosen = form.cleaned_data
    return finance_lines(request.actor, chosen["first"], chosen["last"], chosen["unit"], provider=_pk(chosen))


def _pk(chosen: dict[str, Any]) -> UUID | None:
    return chosen["provider"].pk if chosen.get("provider") else None


def _providers(request: Any) -> Any:
    return Organization.objects.permitted_to(request.actor, "payments.view_payment").filter(is_provider=True)
