"""Find a provider, and ask to become one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from providers.enums import CourseKind
from website.districts import district_choices
from website.forms.base import WebsiteForm
from website.languages import language_choices

SERVICES = (
    (CourseKind.CC, _("Credit counseling, before filing")),
    (CourseKind.DE, _("Debtor education, after filing")),
)


class ProviderFilterForm(WebsiteForm):
    """What a provider should offer; sent as the address of the list, so nothing is required."""

    district = forms.ChoiceField(label=_("Court district"), required=False)
    service = forms.ChoiceField(label=_("Course"), required=False, choices=[("", _("Either course")), *SERVICES])
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, *args: Any, languages: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["district"].choices = [("", _("Any district")), *district_choices()]
        fields["language"].choices = [("", _("Any language")), *language_choices(languages)]


class ApplicationForm(WebsiteForm):
    """What the platform must know to look at an application."""

    organization_name = forms.CharField(
        label=_("Legal name of the organization"),
        max_length=200,
        help_text=_("As it stands in the approval by the United States Trustee or Bankruptcy Administrator."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    is_nonprofit = forms.BooleanField(
        label=_("We are a nonprofit organization"), required=False, help_text=_("Required for credit counseling.")
    )
    kinds = forms.MultipleChoiceField(label=_("What you offer"), choices=SERVICES, widget=forms.CheckboxSelectMultiple)
    court_ids = forms.MultipleChoiceField(
        label=_("Where you are approved, or applied to be"),
        widget=forms.SelectMultiple(attrs={"size": 8}),
        help_text=_("To choose several with a mouse, hold Ctrl (on a Mac: Command)."),
    )
    contact_name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact_email = forms.EmailField(
        label=_("Your work e-mail"),
        help_text=_("The invitation to administer the provider goes there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    contact_phone = forms.CharField(
        label=_("Telephone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    website = forms.URLField(
        label=_("Website"), required=False, assume_scheme="https", widget=forms.URLInput(attrs={"autocomplete": "url"})
    )
    message = forms.CharField(
        label=_("Anything we should know"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        courts: Any = self.fields["court_ids"]
        courts.choices = district_choices()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if CourseKind.CC in data.get("kinds", ()) and not data.get("is_nonprofit"):
            self.add_error("is_nonprofit", _("Credit counseling may be offered by nonprofit organizations only."))
        return data
