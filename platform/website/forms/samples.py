"""The form the style guide shows: one field of every kind the public site uses."""

from django import forms
from django.utils.translation import gettext_lazy as _

from website.forms.base import WebsiteForm


class SampleForm(WebsiteForm):
    """One field of every kind."""

    full_name = forms.CharField(
        label=_("Full legal name"),
        help_text=_("As it stands on your identity card."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    phone = forms.CharField(
        label=_("Telephone"), required=False, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"})
    )
    household_size = forms.IntegerField(
        label=_("People in your household"),
        min_value=1,
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "class": "input--short"}),
    )
    birth_date = forms.DateField(
        label=_("Date of birth"), widget=forms.DateInput(attrs={"type": "date", "class": "input--short"})
    )
    district = forms.ChoiceField(
        label=_("Court district"),
        choices=[("", _("Choose one")), ("txs", "S.D. Texas"), ("cac", "C.D. California")],
    )
    mode = forms.ChoiceField(
        label=_("Who takes the course?"),
        choices=[("individual", _("Only me")), ("joint", _("Me and my spouse"))],
        widget=forms.RadioSelect,
    )
    topics = forms.MultipleChoiceField(
        label=_("What would you like help with?"),
        required=False,
        choices=[("budget", _("My budget")), ("credit", _("My credit")), ("other", _("Something else"))],
        widget=forms.CheckboxSelectMultiple,
    )
    message = forms.CharField(label=_("Anything else?"), required=False, widget=forms.Textarea(attrs={"rows": 4}))
    attachment = forms.FileField(label=_("Proof of income"), required=False, help_text=_("PDF or photo, up to 10 MB."))
    agreed = forms.BooleanField(label=_("I have read the disclosures."))
