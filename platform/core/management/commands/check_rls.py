from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core import rls


class Command(BaseCommand):
    help = "Tell which tables lack row security or hold policies other than the declared ones; exit code 1 if any."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON object {ok, tables, faults}")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = rls.faults()
        count = len(rls.catalogue())
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not faults, "tables": count, "faults": faults}))
        else:
            for table, what in faults.items():
                self.stdout.write(f"{table} {what}.")
            self.stdout.write(f"{count} tables, {len(faults)} faults.")
        if faults:
            sys.exit(1)
