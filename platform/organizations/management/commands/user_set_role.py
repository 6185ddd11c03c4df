from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from organizations.command_line import add_scope_options, as_command, chosen_home
from organizations.queries import hats_of
from organizations.services.memberships import set_role


class Command(BaseCommand):
    help = "Put a person who has signed in before into a role; their sessions end, history keeps the change."

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope_options(parser)
        parser.add_argument("--reason", default="set on the command line")

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["role"]
        with as_command("user_set_role"):
            user = User.objects.filter(email__iexact=options["email"].strip(), is_process=False).first()
            if user is None:
                raise CommandError("Nobody has that e-mail address. Invite them with user_invite.")
            if user.last_login is None:
                raise CommandError("This person has never signed in. Invite them with user_invite.")
            home = chosen_home(role, options["provider_id"], options["firm_id"])
            set_role(user, role, organization=home, reason=options["reason"])
            hats = [f"{hat.role} at {hat.organization.name}" for hat in hats_of(user)]
        held = [user.platform_role] * bool(user.platform_role) + hats
        self.stdout.write(f"{user.email} is now: {', '.join(held) or 'client'}.")
