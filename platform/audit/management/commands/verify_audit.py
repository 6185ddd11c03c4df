from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from audit.verification import verify
from core.context import acting, system_actor


class Command(BaseCommand):
    help = "Recompute every audit chain and compare it with its anchors; exit code 1 names the first bad row of each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print a JSON object {ok, events, anchors, faults, anchor_faults}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(system_actor("verify_audit")):
            report = verify()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            for line in report.lines():
                self.stdout.write(line)
            found = len(report.lines())
            self.stdout.write(f"{report.events} events, {report.anchors} anchors, {found} faults.")
        if not report.ok:
            sys.exit(1)
