from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import connections

from core import rendering


class Command(migrate.Command):
    help = "Bring the schema up to date. Runs as the role owner: what another role makes would belong to that role."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--force", action="store_true", help="run although the login is not the owner")

    def handle(self, *args: Any, **options: Any) -> None:
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT current_user")
            login = cursor.fetchone()[0]
        if login != "owner" and not options["force"]:
            raise CommandError(f"Migrations are run by the role owner, not {login}. Set MIGRATION_DATABASE_URL.")
        with rendering.alone():
            super().handle(*args, **options)
