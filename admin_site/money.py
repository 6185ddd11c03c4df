"""What staff do about money: record what came by hand, the way to a refund, and the forms of waivers.

@console_register(Enrollment)
class EnrollmentAdmin(MoneyActions, ...): ...
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from admin_site.actions import ActionForm, post_action
from admin_site.refunding import RefundPages
from core.money import format_minor
from payments.services.by_hand import manual_payment_allowed, manual_payment_guard, record_manual_payment
from providers.fees import provider_fee_cents

SMALLEST = Decimal("0.01")


def dollars(label: Any, **options: Any) -> forms.DecimalField:
    """A field for dollars and cents."""
    return forms.DecimalField(label=label, min_value=SMALLEST, max_digits=9, decimal_places=2, **options)


def cents(amount: Decimal) -> int:
    return int(amount * 100)


class MoneyActions(RefundPages):
    """Mixin for the enrollment's admin class: money that came by cash, check or transfer."""

    @post_action(
        permission="payments.record_payment",
        title=_("Record a payment"),
        confirm=_("Say how the money came, for instance the number of the check. The fee due counts as paid."),
        reason=True,
        available=manual_payment_guard,
        exists=manual_payment_allowed,
        icon="payments",
        lock=False,
    )
    def record_payment(self, request, enrollment, *, reason):
        payment = record_manual_payment(enrollment, note=reason)
        return _("%(amount)s is recorded as paid.") % {"amount": format_minor(payment.amount_cents, payment.currency)}


class GrantForm(ActionForm):
    """A note the client reads, if there is something to say."""

    note = forms.CharField(
        label=_("Note to the client"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReduceForm(GrantForm):
    """What the client pays instead of the usual fee."""

    fee = dollars(_("Reduced fee in dollars"))
    field_order = ("fee", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.row is not None:
            usual = format_minor(provider_fee_cents(self.row.provider))
            self.fields["fee"].help_text = _("The usual fee is %(fee)s.") % {"fee": usual}


class DenyForm(ActionForm):
    """Why not."""

    note = forms.CharField(
        label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The client reads this."),
    )  # fmt: skip
