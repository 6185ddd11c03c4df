from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from enrollments.staging import seed_staging
from organizations.command_line import as_command


class Command(BaseCommand):
    help = "Fill a staging installation with test accounts and print their log-ins; repeating it changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("This command does not run in production.")
        with as_command("seed_staging"):
            logins = seed_staging()
        for login in logins:
            self.stdout.write(f"{login.role:<16} {login.email:<36} {login.password}")
