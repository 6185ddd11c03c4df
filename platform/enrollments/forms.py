"""The form behind “Enroll a client”, for staff of a provider and for attorneys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from core.context import Actor, Kind
from core.errors import DomainError
from enrollments.enums import Chapter, FilingMode
from enrollments.models import Enrollment
from enrollments.services.invitations import invite_household
from enrollments.services.opening import create_enrollment
from enrollments.values import Case, Person
from organizations.actors import narrow
from organizations.models import Organization
from providers.enums import CourseKind
from providers.models import District

ADD = "enrollments.add_enrollment"
# At which field an answer of the service is shown; others stand on top of the form.
_AT_FIELD = {
    "email_required": "email",
    "joint_email_shared": "spouse_email",
    "joint_needs_spouse": "mode",
    "district_not_approved": "district",
    "unknown_chapter": "chapter",
    "de_not_required": "chapter",
    "de_deadline_required": "de_filing_deadline",
    "meeting_or_deadline_required": "first_set_341_date",
    "case_number_invalid": "case_number",
    "provider_not_open": "provider",
    "provider_profile_incomplete": "provider",
}


def _date(label: Any, **options: Any) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(format="%Y-%m-%d"), **options)


class EnrollForm(forms.Form):
    """Asks for the client, the course and, for a joint filing, the spouse. Providers and firms offered are those for
    whom `actor` may enroll."""

    provider = forms.ModelChoiceField(label=_("Provider"), queryset=Organization.objects.none())
    firm = forms.ModelChoiceField(label=_("Law firm"), queryset=Organization.objects.none(), required=False)
    kind = forms.ChoiceField(label=_("Course"), choices=CourseKind.choices)
    district = forms.ModelChoiceField(label=_("District"), queryset=District.objects.all())
    first_name = forms.CharField(label=_("First name"), max_length=80)
    last_name = forms.CharField(label=_("Last name"), max_length=80)
    email = forms.EmailField(label=_("E-mail"), help_text=_("The invitation goes there; only the client may read it."))
    phone = forms.CharField(label=_("Telephone"), max_length=40, required=False)
    birth_date = _date(_("Birth date"), help_text=_("If known. The client is asked otherwise."))
    ssn_last4 = forms.CharField(
        label=_("Last four digits of the SSN"), max_length=4, required=False, help_text=_("If known. Stored encrypted.")
    )
    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    chapter = forms.ChoiceField(
        label=_("Chapter"), choices=[("", "—"), *Chapter.choices], required=False, help_text=_("For debtor education.")
    )
    case_number = forms.CharField(label=_("Bankruptcy case number"), max_length=40, required=False)
    first_set_341_date = _date(_("First date set for the 341 meeting"))
    de_filing_deadline = _date(
        _("Deadline for the certificate"), help_text=_("Empty in chapter 7: counted from the first meeting date.")
    )
    mode = forms.ChoiceField(label=_("Filing"), choices=FilingMode.choices, initial=FilingMode.INDIVIDUAL)
    spouse_first_name = forms.CharField(label=_("Spouse: first name"), max_length=80, required=False)
    spouse_last_name = forms.CharField(label=_("Spouse: last name"), max_length=80, required=False)
    spouse_birth_date = _date(_("Spouse: birth date"))
    spouse_ssn_last4 = forms.CharField(label=_("Spouse: last four digits of the SSN"), max_length=4, required=False)
    spouse_email = forms.EmailField(label=_("Spouse: e-mail"), required=False)
    invite = forms.BooleanField(label=_("Send the invitation at once"), required=False, initial=True)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = narrow(actor, ADD)
        open_ones = Organization.objects.visible_to(actor).open_to_the_public()
        own = Organization.objects.filter(pk__in=allowed.organization_ids)
        if allowed.kind is Kind.PLATFORM:
            providers, firms = open_ones, Organization.objects.firms()
        else:
            providers, firms = own.filter(is_provider=True), own.filter(is_firm=True)
            if firms.exists():
                providers = open_ones | providers
        self.must_have_firm = allowed.kind is not Kind.PLATFORM and not own.filter(is_provider=True).exists()
        self._offer("provider", providers.order_by("name"))
        self._offer("firm", firms.order_by("name"), required=self.must_have_firm)

    def _offer(self, name: str, rows: Any, *, required: bool = True) -> None:
        field: Any = self.fields[name]
        field.queryset, field.required = rows, required
        found = list(rows[:2])
        if len(found) == 1 and required:
            field.initial = found[0]
        if not found and not required:
            del self.fields[name]

    def save(self) -> list[Enrollment]:
        """Enroll, and invite where wanted. DomainError of `create_enrollment`; `show` puts it at its field."""
        data = self.cleaned_data
        person = Person(
            data["first_name"], data["last_name"], data["email"], data["phone"], data["birth_date"], data["ssn_last4"]
        )
        spouse = None
        if data["mode"] == FilingMode.JOINT:
            spouse = Person(
                data["spouse_first_name"], data["spouse_last_name"], data["spouse_email"], "",
                data["spouse_birth_date"], data["spouse_ssn_last4"],
            )  # fmt: skip
        case = Case(
            data["kind"], data["district"].pk, data["chapter"], data["case_number"], data["first_set_341_date"],
            data["de_filing_deadline"],
        )  # fmt: skip
        made = create_enrollment(
            data["provider"], person, case, firm=data.get("firm"), spouse=spouse, language=data["language"]
        )
        if data["invite"]:
            invite_household(made[0])
        return made

    def show(self, refusal: DomainError) -> None:
        """Put a refusal of `save` where the reader can mend it."""
        field = _AT_FIELD.get(refusal.code)
        self.add_error(field if field in self.fields else None, f"{refusal} [{refusal.code}]")
