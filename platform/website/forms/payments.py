"""The worksheet of a fee waiver."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from website.forms.base import WebsiteForm
from website.states import STATE_NAMES

MOST_PEOPLE = 30
MOST_DOLLARS = Decimal(10_000_000)
MONTHS = 12


class DollarField(forms.Field):
    """Dollars as people write them (`2500`, `$2,500.00`); the value is whole cents."""

    default_error_messages = {"invalid": _("Enter an amount in dollars, such as 2500 or 2500.50.")}

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").replace("$", "").replace(",", "").replace(" ", "")
        if not text:
            return None
        try:
            dollars = Decimal(text)
        except InvalidOperation as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error
        if not dollars.is_finite() or not 0 <= dollars <= MOST_DOLLARS:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return int((dollars * 100).to_integral_value())

    def validate(self, value: Any) -> None:
        """Zero is an answer; only nothing is not."""
        if value is None and self.required:
            raise ValidationError(self.error_messages["required"], code="required")


class WaiverForm(WebsiteForm):
    """What the provider needs to judge a request: people, income, state."""

    household_size = forms.IntegerField(
        label=_("How many people live in your household?"),
        help_text=_("You, your spouse, and everyone you support. You alone are 1."),
        min_value=1,
        max_value=MOST_PEOPLE,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input--short", "autocomplete": "off"}),
    )
    income = DollarField(
        label=_("How much money does your household get, before taxes?"),
        help_text=_("Add up everyone's pay, benefits, pensions and support. If there is none, write 0."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "input--short", "autocomplete": "off"}),
    )
    period = forms.ChoiceField(
        label=_("Is that amount per month or per year?"),
        choices=[("month", _("Per month")), ("year", _("Per year"))],
        initial="month",
        widget=forms.RadioSelect,
    )
    state = forms.ChoiceField(
        label=_("Which state do you live in?"),
        choices=[("", _("Choose one")), *STATE_NAMES],
        widget=forms.Select(attrs={"autocomplete": "address-level1"}),
    )
    explanation = forms.CharField(
        label=_("Is there anything else we should know?"),
        help_text=_("For example: you lost your job, or you have high medical costs."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def facts(self) -> dict[str, Any]:
        """What `request_waiver` takes: income a year, in cents."""
        given = self.cleaned_data
        times = MONTHS if given["period"] == "month" else 1
        return {
            "household_size": given["household_size"],
            "annual_income_cents": given["income"] * times,
            "state": given["state"],
            "explanation": given["explanation"],
        }
