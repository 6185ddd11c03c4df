"""The form behind “Create invite”: which fields a role needs, judged the same way as on the command line."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from core.context import Actor
from core.errors import DomainError
from organizations.actors import narrow
from organizations.enums import InvitedRole
from organizations.guards import home_for, rank_refusal
from organizations.models import Invitation, Organization
from organizations.services.invitations import DAYS, invite

# Which choice of organization each role shows and requires; a role that is not listed shows none.
NEEDED = {
    InvitedRole.PROVIDER_ADMIN.value: "provider",
    InvitedRole.COUNSELOR.value: "provider",
    InvitedRole.ATTORNEY.value: "firm",
}
_AT_FIELD = {"role_needs_organization": NEEDED, "role_does_not_fit": NEEDED}


class InvitationForm(forms.Form):
    """Asks for an invitation in the actor's name.

    Organizations and roles offered are those the actor may invite to; the only one is fixed, whatever is posted.
    """

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(label=_("Role"), choices=InvitedRole.choices)
    provider = forms.ModelChoiceField(
        label=_("Provider"), queryset=Organization.objects.none(), required=False,
        help_text=_("For provider administrators and counselors."),
    )  # fmt: skip
    firm = forms.ModelChoiceField(
        label=_("Law firm"), queryset=Organization.objects.none(), required=False, help_text=_("For attorneys.")
    )
    language = forms.ChoiceField(label=_("Language of the mail"), choices=Language.choices)
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=90, initial=DAYS)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Organization.objects.visible_to(actor).order_by("name")
        if not actor.platform_role:
            own = own.filter(pk__in=narrow(actor, "organizations.add_invitation").organization_ids)
        offered = {"provider": own.filter(is_provider=True), "firm": own.filter(is_firm=True)}
        for name, choices in offered.items():
            self.fields[name].queryset = choices  # type: ignore[attr-defined]  # -- a model choice
        if actor.platform_role:
            return
        possible = {name: list(choices[:2]) for name, choices in offered.items()}
        roles = [choice for choice in InvitedRole.choices if possible.get(NEEDED.get(choice[0], ""))]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]  # -- a choice
        for name, found in possible.items():
            if not found:
                del self.fields[name]
            elif len(found) == 1 and len([rest for rest in possible.values() if rest]) == 1:
                self.fields[name].initial, self.fields[name].disabled = found[0], True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            data["organization"] = home_for(data["role"], provider=data.get("provider"), firm=data.get("firm"))
        except DomainError as refusal:
            self.add_error(_AT_FIELD.get(refusal.code, {}).get(data["role"], "role"), str(refusal))
            return data
        refused = rank_refusal(data["role"], data["organization"])
        if refused is not None:
            self.add_error("role", str(refused))
        return data

    def save(self) -> tuple[Invitation, str]:
        """Send the invitation; returns it and its token."""
        data = self.cleaned_data
        return invite(
            data["email"],
            data["role"],
            organization=data["organization"],
            language=data["language"],
            days=data["days"],
        )
