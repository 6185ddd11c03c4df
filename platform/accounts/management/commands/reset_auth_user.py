from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.services import Gone, forget_login, forget_person
from organizations.command_line import as_command, flag

SAID = {
    Gone.LOGIN: "The login of {email} is gone; the person and their roles stay. They can sign up again.",
    Gone.PERSON: "{email} is gone, with login, roles and person. They can sign up again.",
    Gone.IDENTITY: "{email} is gone. Records still name the person, so a nameless row without login stays in its place."
    " They can sign up again.",
}


class Command(BaseCommand):
    help = "Take someone's login away so that the address may sign up again. For staging and development only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--yes", type=flag, default=False, help="true to do it; otherwise nothing happens")
        parser.add_argument("--delete-domain", type=flag, default=False, help="true to take the person away as well")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("This command does not run in production.")
        with as_command("reset_auth_user"):
            user = User.objects.filter(email__iexact=options["email"].strip(), is_process=False).first()
            if user is None:
                raise CommandError("Nobody has that e-mail address.")
            email, gone = user.email, Gone.LOGIN
            if not options["yes"]:
                raise CommandError(f"Nothing was changed. Add --yes true to take the login of {email} away.")
            if options["delete_domain"]:
                gone = forget_person(user, reason="reset on the command line")
            else:
                forget_login(user, reason="reset on the command line")
        self.stdout.write(SAID[gone].format(email=email))
