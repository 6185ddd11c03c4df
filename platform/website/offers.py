"""A provider's offer in words: what the list shows, and the trust block that comes before any question."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from core.money import format_minor
from organizations.models import ProviderProfile
from providers.districts import find
from providers.enums import CourseKind
from providers.queries import Offer
from website.components import Fact
from website.context_processors import HelpContact
from website.districts import district_label
from website.languages import languages_text

FEW = 4


@dataclass(frozen=True)
class Card:
    """One provider of the list."""

    name: str
    about: str
    facts: list[Fact]
    url: str


@dataclass(frozen=True)
class Trust:
    """What a person should know before giving any information."""

    approval: str
    districts: str
    fee: str
    waiver: str
    refund: str
    privacy: str
    phone_hours: str


def spoken(profile: ProviderProfile, name: str) -> str:
    """A text of the profile in the reader's language, else in the provider's own."""
    own = str(getattr(profile, name))
    return (getattr(profile, f"{name}_es") or own) if get_language() == "es" else own


def about(profile: ProviderProfile) -> str:
    return (profile.about_es or profile.about_en) if get_language() == "es" else (profile.about_en or profile.about_es)


def service_name(kind: str) -> str:
    return _("Credit counseling") if kind == CourseKind.CC else _("Debtor education")


def waiver_rule() -> str:
    return _(
        "If your household has less than 150 percent of the federal poverty guideline, you can ask for the fee to be"
        " waived. You ask before you pay, and a certificate is never held back over money."
    )


def fee_text(offer: Offer) -> str:
    """The fee, with the certificate in it."""
    if not offer.fee_cents:
        return _("Free of charge")
    return _("%(fee)s for each course, certificate included") % {"fee": format_minor(offer.fee_cents)}


def card_of(offer: Offer) -> Card:
    """What the list shows of a provider."""
    districts = list(dict.fromkeys(district_label(find(approval.district_id)) for approval in offer.approvals))
    shown = "; ".join(districts[:FEW])
    if len(districts) > FEW:
        shown = _("%(districts)s and %(more)s more") % {"districts": shown, "more": len(districts) - FEW}
    facts = [
        Fact(_("Courses"), ", ".join(service_name(kind) for kind in offer.kinds) or _("None at the moment")),
        Fact(_("Districts"), shown or _("None at the moment")),
        Fact(_("Languages"), languages_text(offer.profile.languages)),
        Fact(_("Fee"), fee_text(offer)),
        Fact(_("If you cannot pay"), _("Ask for a fee waiver before you pay")),
    ]
    url = reverse("website:enroll", args=[offer.provider.slug])
    return Card(offer.provider.name, about(offer.profile), facts, url)


def trust_of(offer: Offer) -> Trust:
    """The trust block of the provider's page."""
    profile = offer.profile
    return Trust(
        approval=_approval_text(offer),
        districts="; ".join(_district_line(offer, kind) for kind in offer.kinds) or _("None at the moment"),
        fee=fee_text(offer),
        waiver=waiver_rule(),
        refund=spoken(profile, "refund_policy") or _("Ask the provider before you pay."),
        privacy=_(
            "Your information is used for the course only. It is not sold, and no credit bureau learns of it."
            " The last digits of your Social Security number are stored encrypted."
        ),
        phone_hours=_phone_text(profile),
    )


def _approval_text(offer: Offer) -> str:
    """Who approved the provider and under which letters."""
    by = {find(approval.district_id).oversight for approval in offer.approvals}
    names = {
        "UST": _("the United States Trustee"),
        "BA": _("the Bankruptcy Administrator"),
    }
    if not by:
        return _("No district is open at the moment.")
    text = _("%(name)s is approved by %(who)s.") % {
        "name": offer.profile.legal_name,
        "who": _(" and ").join(names[each] for each in sorted(by, reverse=True)),
    }
    letters = list(dict.fromkeys(approval.reference for approval in offer.approvals if approval.reference))
    if not letters:
        return text
    return text + " " + _("Approval letters: %(letters)s.") % {"letters": ", ".join(letters[:FEW])}


def _district_line(offer: Offer, kind: str) -> str:
    labels = [district_label(find(approval.district_id)) for approval in offer.approvals_for(kind)]
    return f"{service_name(kind)}: {', '.join(labels)}"


def _phone_text(profile: ProviderProfile) -> str:
    hours = spoken(profile, "help_hours")
    return " · ".join(part for part in (profile.help_phone, hours) if part)


def help_of(profile: ProviderProfile) -> HelpContact:
    """The provider's own help line for the foot of the page."""
    return HelpContact(
        phone=profile.help_phone or settings.SUPPORT_PHONE,
        hours=spoken(profile, "help_hours"),
        email=profile.organization.email or settings.SUPPORT_EMAIL,
    )
