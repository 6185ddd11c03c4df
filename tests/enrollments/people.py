"""Acting as the people of the world."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from core.context import acting
from enrollments.models import Enrollment
from enrollments.services.acknowledgements import acknowledge_disclosures
from organizations.actors import load_actor
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World

DETAILS = {"first_name": "Ana", "last_name": "O’Brien-Núñez", "birth_date": "1984-02-29", "ssn_last4": "4321"}


def acting_as(world: World, name: str) -> AbstractContextManager[Any]:
    """The context of one person of the world, through row security."""
    with as_system():
        actor = load_actor(getattr(world, name))
    return acting(actor)


def own_enrollment(world: World, kind: str = "CC", letter: str = "a", **fields: Any) -> Enrollment:
    """An invited enrollment of client_user_a, whose details are still to be told."""
    with as_system():
        user, provider = getattr(world, f"client_user_{letter}"), getattr(world, f"provider_{letter}")
        client = cases.make_client(provider, user=user, birth_date="", ssn_last4="")
        defaults = {"chapter": "7", "case_number": ""} if kind == "DE" else {}
        return cases.make_enrollment(client, kind, **defaults | fields)


def seen(world: World, enrollment: Enrollment, name: str = "client_user_a") -> Enrollment:
    """The enrollment freshly read by that person."""
    with acting_as(world, name):
        return Enrollment.objects.get(pk=enrollment.pk)


def acknowledge(world: World, enrollment: Enrollment, name: str = "client_user_a", language: str = "en") -> Any:
    """The person acknowledges the disclosures."""
    user = getattr(world, name)
    with acting_as(world, name):
        return acknowledge_disclosures(
            Enrollment.objects.get(pk=enrollment.pk), user, language=language, ip="203.0.113.9"
        )
