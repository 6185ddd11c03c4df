from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.enums import Language
from organizations.command_line import add_scope_options, as_command, chosen_home
from organizations.services.invitations import DAYS, invitation_link, invite


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 365:
        raise ArgumentTypeError("say a number of days from 1 to 365")
    return int(text)


class Command(BaseCommand):
    help = "Invite someone, or renew their open invitation; mails the link and prints it."

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope_options(parser)
        parser.add_argument("--expires-in-days", type=_days, default=DAYS)
        parser.add_argument("--language", choices=Language.values, default=Language.ENGLISH.value)

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["role"]
        with as_command("user_invite"):
            invitation, token = invite(
                options["email"],
                role,
                organization=chosen_home(role, options["provider_id"], options["firm_id"]),
                language=options["language"],
                days=options["expires_in_days"],
            )
        self.stdout.write(f"Invited {invitation.email} as {role}, until {invitation.expires_at:%Y-%m-%d %H:%M} UTC.")
        self.stdout.write(invitation_link(token, invitation.language))
