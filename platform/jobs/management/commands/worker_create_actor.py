from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.context import acting, system_actor
from jobs.actor import EMAIL, NoActor, create_actor


class Command(BaseCommand):
    help = "Make the user the worker acts as, if there is none, and print the line for WORKER_ACTOR_USER_ID."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", default=EMAIL, help="its e-mail address; nobody can sign in with it")
        parser.add_argument("--print-id", action="store_true", help="print the id alone")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting(system_actor("worker_create_actor")):
                user = create_actor(settings.WORKER_ACTOR_ROLE, email=options["email"])
        except NoActor as error:
            raise CommandError(str(error)) from None
        self.stdout.write(str(user.pk) if options["print_id"] else f"WORKER_ACTOR_USER_ID={user.pk}")
