"""What the commands about people have in common: the options for the scope of a role, and a refusal as exit code."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from core.context import acting, system_actor
from core.errors import DomainError
from organizations.enums import InvitedRole
from organizations.guards import home_for
from organizations.models import Organization


def organization_id(text: str) -> UUID | None:
    """An id from the command line; the word null, or nothing, stands for none."""
    if text.strip().lower() in {"", "null"}:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is neither an id nor the word null") from None


def flag(text: str) -> bool:
    """`true` or `false`, spelled out."""
    if text.lower() not in {"true", "false"}:
        raise ArgumentTypeError("say true or false")
    return text.lower() == "true"


def add_scope_options(parser: CommandParser) -> None:
    parser.add_argument("--email", required=True)
    parser.add_argument("--role", required=True, choices=InvitedRole.values)
    parser.add_argument("--provider-id", type=organization_id, default=None, help="for provider_admin and counselor")
    parser.add_argument("--firm-id", type=organization_id, default=None, help="for attorney")


def chosen_home(role: str, provider_id: UUID | None, firm_id: UUID | None) -> Organization | None:
    """The organization that --provider-id or --firm-id names, when it fits the role. DomainError and CommandError."""
    return home_for(role, provider=_organization(provider_id, "provider"), firm=_organization(firm_id, "firm"))


def _organization(pk: UUID | None, kind: str) -> Organization | None:
    if pk is None:
        return None
    found = Organization.objects.filter(pk=pk, **{f"is_{kind}": True}).first()
    if found is None:
        raise CommandError(f"No {kind} has the id {pk}.")
    return found


@contextmanager
def as_command(name: str) -> Iterator[None]:
    """Run a block as the system, in one transaction; a refused rule ends the command with its sentence."""
    try:
        with acting(system_actor(name)):
            yield
    except DomainError as refusal:
        raise CommandError(f"{refusal.code}: {refusal}") from None
