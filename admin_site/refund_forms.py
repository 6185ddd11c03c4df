"""What the refund pages ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from admin_site.actions import ActionForm, dress
from core.money import format_minor
from payments.enums import PaymentSource, RefundCause, RefundMethod
from payments.models import Payment
from payments.refund_plans import RefundPlan, split_cents
from payments.services.receipts import receipt_number
from payments.services.refunds import refundable_cents


@dataclass(frozen=True, slots=True)
class Candidate:
    """A payment of which something can go back, with what the page says about it. Cents."""

    payment: Payment
    left: int

    @property
    def field(self) -> str:
        return f"amount_{self.payment.pk.hex}"

    @property
    def number(self) -> str:
        return receipt_number(self.payment)

    @property
    def paid(self) -> str:
        return format_minor(self.payment.amount_cents, self.payment.currency)

    @property
    def given(self) -> str:
        return format_minor(self.payment.amount_cents - self.left, self.payment.currency)

    @property
    def left_text(self) -> str:
        return format_minor(self.left, self.payment.currency)


def candidate(payment: Payment) -> Candidate:
    return Candidate(payment, refundable_cents(payment))


def cents_of(amount: Decimal | None) -> int:
    """Dollars as cents; nothing as none."""
    return int((amount or Decimal()) * 100)


class WhyForm(ActionForm):
    """Cause, reason, and whether the client hears of it. Money leaves, so the person proves who they are."""

    fresh = True
    cause = forms.ChoiceField(label=_("Cause"), choices=RefundCause, initial=RefundCause.NOT_NEEDED)
    reason = forms.CharField(
        label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Kept on the record; the client does not see it."),
    )  # fmt: skip
    reference = forms.CharField(
        label=_("Reference"), max_length=120, required=False,
        help_text=_("For money that goes back by hand: the number of the check, or how it was handed over. The client"
                    " sees it."),
    )  # fmt: skip
    notify = forms.BooleanField(label=_("Send the client a mail"), required=False, initial=True)


class RefundForm(WhyForm):
    """How much of which payment, and which way it goes back."""

    total = forms.DecimalField(
        label=_("Total in dollars"), min_value=Decimal("0.01"), max_digits=9, decimal_places=2, required=False,
        help_text=_("Shared out among the payments by what is left of each, instead of the single amounts."),
    )  # fmt: skip
    method = forms.ChoiceField(label=_("Way back"), choices=RefundMethod, initial=RefundMethod.CARD)

    def __init__(
        self, *args: Any, request: HttpRequest, candidates: Sequence[Candidate], chosen: Payment | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, request=request, **kwargs)
        self.candidates = candidates
        for each in candidates:
            whole = Decimal(each.left).scaleb(-2)
            first = chosen.pk == each.payment.pk if chosen is not None else each is candidates[0]
            field = forms.DecimalField(
                label=_("Give back in dollars"), required=False, min_value=Decimal(), max_value=whole, max_digits=9,
                decimal_places=2, initial=whole if first else Decimal(), help_text=self._help(each),
            )  # fmt: skip
            dress(field)
            self.fields[each.field] = field
        if len(candidates) < 2:
            del self.fields["total"]
        if all(each.payment.source == PaymentSource.MANUAL for each in candidates):
            self.fields["method"].choices = [(RefundMethod.MANUAL.value, RefundMethod.MANUAL.label)]
            self.fields["method"].initial = RefundMethod.MANUAL
        names = [each.field for each in candidates]
        self.order_fields([*names, "total", "method", "reference", "cause", "reason", "notify"])

    @staticmethod
    def _help(each: Candidate) -> Any:
        return _("Receipt %(number)s, %(source)s: %(paid)s paid, %(given)s given back or under way, %(left)s left.") % {
            "number": each.number, "source": each.payment.get_source_display(), "paid": each.paid,
            "given": each.given, "left": each.left_text,
        }  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        by_hand = cleaned.get("method") == RefundMethod.MANUAL
        if by_hand and not (cleaned.get("reference") or "").strip():
            self.add_error("reference", _("Say how the money goes back, for instance the number of the check."))
        total, left = cents_of(cleaned.get("total")), sum(each.left for each in self.candidates)
        if total > left:
            self.add_error("total", _("At most %(left)s can be given back.") % {"left": format_minor(left)})
        elif not self.errors and not self.lines(cleaned):
            raise forms.ValidationError(_("No amount was entered."), code="refund_plan_empty")
        return cleaned

    def lines(self, cleaned: dict[str, Any]) -> tuple[tuple[Any, int], ...]:
        """Payments and cents, those with nothing left out."""
        total = cents_of(cleaned.get("total"))
        if total:
            amounts = split_cents(total, [each.left for each in self.candidates])
        else:
            amounts = [cents_of(cleaned.get(each.field)) for each in self.candidates]
        pairs = zip(self.candidates, amounts, strict=True)
        return tuple((each.payment.pk, amount) for each, amount in pairs if amount)

    def plan(self) -> RefundPlan:
        """The plan that the valid form describes."""
        cleaned = self.cleaned_data
        return RefundPlan(
            lines=self.lines(cleaned),
            reason=cleaned["reason"],
            method=RefundMethod(cleaned["method"]),
            cause=RefundCause(cleaned["cause"]),
            reference=cleaned["reference"].strip() if cleaned["method"] == RefundMethod.MANUAL else "",
            notify=cleaned["notify"],
        )
