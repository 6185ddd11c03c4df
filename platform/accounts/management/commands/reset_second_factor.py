from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.protection import reset_second_factor
from core.errors import DomainError
from organizations.command_line import as_command


class Command(BaseCommand):
    help = "Take the second step of someone who lost theirs away, when no administrator can sign in to do it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--reason", required=True, help="how you made sure who asks; kept on the record")

    def handle(self, *args: Any, **options: Any) -> None:
        with as_command("reset_second_factor"):
            user = User.objects.filter(email__iexact=options["email"].strip(), is_process=False).first()
            if user is None:
                raise CommandError("Nobody has that e-mail address.")
            try:
                count = reset_second_factor(user, reason=options["reason"])
            except DomainError as refusal:
                raise CommandError(str(refusal)) from None
        self.stdout.write(f"{count} factors of {user.email} are gone; they were told by mail.")
