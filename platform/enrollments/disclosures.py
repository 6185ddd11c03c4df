"""The disclosures as one client sees them: the version in force, filled in for the provider, with a digest.

They come before any information is given or taken (28 CFR 58.20(l), 58.33(k)).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from core import clock
from core.errors import DomainError
from core.money import format_minor
from enrollments.models import DisclosureSet, Enrollment
from enrollments.wording import column_labels
from organizations.models import ProviderProfile
from providers.fees import provider_fee_cents
from providers.languages import language_list

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FILLED = re.compile(_PLACEHOLDER.pattern + r"(\.?)")
_NEGOTIATES = {
    True: {"en": "We make such offers for our clients.", "es": "Hacemos estas ofertas para nuestros clientes."},
    False: {
        "en": "We do not make such offers ourselves. If you want one, we refer you to an agency that does.",
        "es": "Nosotros no hacemos estas ofertas. Si usted quiere una, lo referimos a una agencia que las hace.",
    },
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing a client must be told, without any placeholder left in it."""

    number: int
    code: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client sees: `sha256` is over version, language and every item exactly as shown."""

    disclosures: DisclosureSet
    language: str
    items: tuple[Item, ...]
    sha256: str


def current_disclosures(kind: str) -> DisclosureSet:
    """The version in force now. DomainError `disclosures_unavailable` when there is none."""
    found = DisclosureSet.objects.filter(kind=kind, effective_from__lte=clock.now()).order_by("-effective_from").first()
    if found is None:
        raise DomainError("disclosures_unavailable")
    return found


def shown(enrollment: Enrollment, language: str) -> Shown:
    """The current disclosures for `enrollment` in `language` (`en` or `es`).

    DomainError `disclosures_unavailable`, `provider_not_open` (its profile is closed to this reader),
    `provider_profile_incomplete` when a placeholder cannot be filled: an unfilled one is never shown.
    """
    profile = (
        ProviderProfile.objects.select_related("organization").filter(organization_id=enrollment.provider_id).first()
    )
    if profile is None:
        raise DomainError("provider_not_open")
    return filled(current_disclosures(enrollment.kind), profile, language)


def filled(disclosures: DisclosureSet, profile: ProviderProfile, language: str) -> Shown:
    """`disclosures` filled in from a provider's profile."""
    facts = _facts(profile, language)
    missing = missing_facts(disclosures, profile)
    if missing:
        raise DomainError("provider_profile_incomplete", missing=", ".join(missing))
    items = tuple(
        Item(item["number"], item["code"], *(_fill(item[part][language], facts) for part in ("title", "text")))
        for item in disclosures.items
    )
    body = [disclosures.kind, disclosures.version, language, [[i.number, i.code, i.title, i.text] for i in items]]
    canonical = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Shown(disclosures, language, items, hashlib.sha256(canonical.encode()).hexdigest())


def missing_facts(disclosures: DisclosureSet, profile: ProviderProfile) -> list[str]:
    """Labels of the profile's fields that this version needs and that are empty, and placeholders nothing fills."""
    wanted = set(_PLACEHOLDER.findall(json.dumps(disclosures.items)))
    columns = {
        "provider_name": "legal_name",
        "languages": "languages",
        "funding": "funding",
        "counselor_qualifications": "counselor_qualifications",
    }
    empty = [column for name, column in columns.items() if name in wanted and not getattr(profile, column)]
    return column_labels(ProviderProfile, empty) + sorted(wanted - columns.keys() - {"fee", "negotiates_502k"})


def _facts(profile: ProviderProfile, language: str) -> dict[str, str]:
    return {
        "provider_name": profile.legal_name,
        "fee": format_minor(provider_fee_cents(profile.organization), locale=language),
        "languages": language_list(profile.languages, language),
        "funding": _spoken(profile, "funding", language),
        "counselor_qualifications": _spoken(profile, "counselor_qualifications", language),
        "negotiates_502k": _NEGOTIATES[profile.negotiates_repayment][language],
    }


def _spoken(profile: ProviderProfile, name: str, language: str) -> str:
    """The Spanish text where there is one; a provider that wrote none is shown in its own words."""
    own = getattr(profile, name)
    text = (getattr(profile, f"{name}_es") or own) if language == "es" else own
    return text.strip().rstrip(".")


def _fill(text: str, facts: dict[str, str]) -> str:
    """A fact that ends with a period (`Inc.`) takes the period of its sentence along."""

    def fact(match: re.Match[str]) -> str:
        value, stop = facts[match.group(1)], match.group(2)
        return value if stop and value.endswith(".") else value + stop

    return _FILLED.sub(fact, text)
