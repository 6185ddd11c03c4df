from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from config.startup import deployment_faults, lies


class Command(BaseCommand):
    help = "Say whether this process may start: settings of the database and of the deployment. Ends with 1 if not."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = [*deployment_faults(), *lies()]
        except OperationalError:
            raise CommandError("The database does not answer.") from None
        for fault in found:
            self.stderr.write(fault)
        if found:
            raise CommandError(f"{len(found)} faults; a start would be refused.")
        self.stdout.write("0 faults")
