"""What every public page shows around its content: whom to ask for help, and what kind of installation this is."""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language


@dataclass(frozen=True)
class HelpContact:
    """Where a person gets help. Empty text means the channel is not offered."""

    phone: str = ""
    hours: str = ""
    email: str = ""

    @property
    def dial(self) -> str:
        """The phone number as a `tel:` link wants it: digits and a leading plus."""
        return re.sub(r"(?!^\+)\D", "", self.phone)


@dataclass(frozen=True)
class Site:
    """Facts about this installation for the frame of a page."""

    help: HelpContact
    environment: str
    payments_simulated: bool

    @property
    def shows_ribbon(self) -> bool:
        return self.payments_simulated or self.environment != "production"


def current_site() -> Site:
    """Read the installation's settings in the active language."""
    spanish = get_language() == "es"
    return Site(
        help=HelpContact(
            phone=settings.SUPPORT_PHONE,
            hours=settings.SUPPORT_HOURS_ES if spanish else settings.SUPPORT_HOURS,
            email=settings.SUPPORT_EMAIL,
        ),
        environment=settings.ENVIRONMENT,
        payments_simulated=bool(settings.STRIPE_API_BASE),
    )


def site(_request: HttpRequest) -> dict[str, Any]:
    """Offer `site` to every template, computed only where a template uses it. It is `installation` as well: views of
    a package put something else under `site`."""
    here = SimpleLazyObject(current_site)
    return {"site": here, "installation": here}
