"""What an organization, or the platform, asks of its people beyond their role."""

from __future__ import annotations

from django.conf import settings

from core.context import Actor
from organizations.models import Organization


def platform_needs_second_factor() -> bool:
    """The knob, or by the kind of installation where it is not set."""
    asked = settings.SECOND_FACTOR_FOR_PLATFORM
    return bool(asked if asked is not None else settings.SECURE)


def needs_second_factor(actor: Actor) -> bool:
    """Whether this person may work only with a second step: a platform role where the platform asks for it, or an
    active membership of an organization that does."""
    if actor.platform_role and platform_needs_second_factor():
        return True
    if not actor.memberships:
        return False
    return Organization.objects.filter(pk__in=actor.memberships, requires_second_factor=True).exists()
