from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from core import rls


class Command(BaseCommand):
    help = "Write grants and row security policies from the scope declarations. Runs as the owner, after migrate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--force", action="store_true", help="run although the login is not the owner")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            login = cursor.fetchone()[0]
        if login != "owner" and not options["force"]:
            raise CommandError(f"Policies are written by the role owner, not {login}. Set MIGRATION_DATABASE_URL.")
        self.stdout.write(f"Policies written for {rls.apply()} tables.")
