from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.enums import PlatformRole
from accounts.models import User
from organizations.command_line import as_command
from organizations.enums import InvitedRole
from organizations.services.invitations import invitation_link, invite
from organizations.services.memberships import set_platform_role


class Command(BaseCommand):
    help = "Make the first platform administrator: promotes the person, or prints and mails an invitation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        with as_command("seed_first_admin"):
            people = User.objects.filter(is_active=True, is_process=False)
            if people.filter(platform_role=PlatformRole.ADMIN).exists():
                raise CommandError("There is a platform administrator already. They can invite others.")
            user = people.filter(email__iexact=options["email"].strip()).first()
            if user is not None:
                set_platform_role(user, PlatformRole.ADMIN, reason="first administrator")
                self.stdout.write(f"{user.email} is now a platform administrator.")
                return
            invitation, token = invite(options["email"], InvitedRole.PLATFORM_ADMIN)
        self.stdout.write(f"Invited {invitation.email} as the first platform administrator. Sign up here:")
        self.stdout.write(invitation_link(token, invitation.language))
