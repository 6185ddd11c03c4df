"""Ask for a course, find it again, and the client's own details."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from enrollments.enums import Chapter, FilingMode
from enrollments.models import Enrollment
from enrollments.validators import clean_birth_date, clean_case_number, clean_name, clean_ssn_last4
from providers.enums import CourseKind
from website.districts import district_choices
from website.forms.base import WebsiteForm

CHAPTERS = [("", _("Choose one")), *((value, label) for value, label in Chapter.choices if value != Chapter.TWELVE)]
_SPOUSE = ("spouse_first_name", "spouse_last_name", "spouse_email")
_CASE = ("chapter", "first_set_341_date", "de_filing_deadline")


def checked(check: Callable[[Any], Any], value: Any) -> Any:
    """`check(value)`, its refusal as an error of the field."""
    try:
        return check(value)
    except DomainError as refusal:
        raise ValidationError(str(refusal), code=refusal.code) from refusal


def _text(label: Any, autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=80, widget=forms.TextInput(attrs={"autocomplete": autocomplete}), **options
    )


def _date(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=_calendar(), **options)


def _calendar(**attrs: str) -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "input--short", **attrs})


class StartForm(WebsiteForm):
    """A new enrollment: only what is needed to invite the one or two people."""

    kind = forms.ChoiceField(choices=CourseKind, widget=forms.HiddenInput)
    mode = forms.ChoiceField(choices=FilingMode, widget=forms.HiddenInput)
    court_id = forms.ChoiceField(
        label=_("Court district"), help_text=_("Where the bankruptcy case is or will be filed, mostly where you live.")
    )
    first_name = _text(_("First name"), "given-name")
    last_name = _text(_("Last name"), "family-name")
    email = forms.EmailField(
        label=_("E-mail"),
        help_text=_("Your invitation goes there. It should be an address only you use."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = forms.CharField(
        label=_("Telephone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    spouse_first_name = _text(_("Your spouse’s first name"), "off")
    spouse_last_name = _text(_("Your spouse’s last name"), "off")
    spouse_email = forms.EmailField(
        label=_("Your spouse’s e-mail"),
        help_text=_("A different address than yours: each of you signs in and gets a certificate alone."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    chapter = forms.ChoiceField(
        label=_("Chapter of the case"), choices=CHAPTERS, help_text=_("It stands on every paper from the court.")
    )
    first_set_341_date = _date(
        _("First date set for the meeting of creditors"),
        required=False,
        help_text=_("From the court’s first notice (“341 meeting”), even if the meeting was moved later."),
    )
    de_filing_deadline = _date(
        _("Deadline for your certificate"),
        required=False,
        help_text=_("If your attorney or the court named one. In chapters 11 and 13 we need it."),
    )

    def __init__(self, *args: Any, kind: str, mode: str, court_ids: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        courts: Any = self.fields["court_id"]
        courts.choices = [("", _("Choose one")), *district_choices(court_ids)]
        self.initial = {"kind": kind, "mode": mode}
        for name in (*(_SPOUSE if mode != FilingMode.JOINT else ()), *(_CASE if kind != CourseKind.DE else ())):
            del self.fields[name]

    def clean_first_name(self) -> str:
        return checked(clean_name, self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return checked(clean_name, self.cleaned_data["last_name"])

    def clean_spouse_first_name(self) -> str:
        return checked(clean_name, self.cleaned_data["spouse_first_name"])

    def clean_spouse_last_name(self) -> str:
        return checked(clean_name, self.cleaned_data["spouse_last_name"])


class ResumeForm(WebsiteForm):
    """The id of an enrollment that exists."""

    enrollment_id = forms.CharField(
        label=_("Enrollment ID"),
        max_length=80,
        help_text=_("It is in your invitation and looks like 8f14e45f-ceea-467f-a9d4-0a1b2c3d4e5f."),
        widget=forms.TextInput(
            attrs={"class": "input--code", "autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        ),
    )


class DisclosureForm(WebsiteForm):
    """The client read the disclosures; `seen` is the digest of what was shown."""

    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    agreed = forms.BooleanField(label=_("I have read all of this."))


class DetailsForm(WebsiteForm):
    """Who the certificate is for. The last four digits are never shown again: left empty they stay as they are."""

    first_name = _text(_("First name"), "given-name", help_text=_("As on your identity card, with a middle name."))
    last_name = _text(_("Last name"), "family-name")
    birth_date = forms.DateField(
        label=_("Date of birth"),
        widget=_calendar(autocomplete="bday"),
    )
    ssn_last4 = forms.CharField(
        label=_("Last four digits of your Social Security number"),
        max_length=4,
        help_text=_("The counselor asks for them again to make sure it is you. They are stored encrypted."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "class": "input--short"}),
    )
    phone = forms.CharField(
        label=_("Telephone"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
    chapter = forms.ChoiceField(label=_("Chapter of the case"), choices=CHAPTERS)
    case_number = forms.CharField(
        label=_("Bankruptcy case number"),
        max_length=40,
        help_text=_("From any paper of the court, for example 26-12345."),
        widget=forms.TextInput(attrs={"class": "input--short", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, enrollment: Enrollment, **kwargs: Any) -> None:
        client = enrollment.client
        known = {name: getattr(client, name) for name in ("first_name", "last_name", "birth_date", "phone")}
        known |= {"chapter": enrollment.chapter, "case_number": enrollment.case_number}
        super().__init__(*args, **kwargs)
        self.initial = known
        if client.ssn_last4:
            self.fields["ssn_last4"].required = False
            self.fields["ssn_last4"].help_text = _("They are stored encrypted. Leave this empty to keep them.")
        if enrollment.kind != CourseKind.DE:
            del self.fields["chapter"], self.fields["case_number"]

    def clean_first_name(self) -> str:
        return checked(clean_name, self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return checked(clean_name, self.cleaned_data["last_name"])

    def clean_birth_date(self) -> Any:
        return checked(clean_birth_date, self.cleaned_data["birth_date"])

    def clean_ssn_last4(self) -> str:
        digits = self.cleaned_data["ssn_last4"]
        return checked(clean_ssn_last4, digits) if digits else ""

    def clean_case_number(self) -> str:
        return checked(clean_case_number, self.cleaned_data["case_number"])

    def facts(self) -> dict[str, Any]:
        """What was told, without digits that were left as they are."""
        return {name: value for name, value in self.cleaned_data.items() if name != "ssn_last4" or value}
