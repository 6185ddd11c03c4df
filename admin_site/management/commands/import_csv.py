"""Import a file from the command line: the console's code, with the rights of one person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from admin_site.command_line import acting_person, organization_by_slug
from core.errors import DomainError
from resources.catalogue import RESOURCES
from resources.importing import ImportReport, run_import

ROW_LIMIT = 50_000


class Command(BaseCommand):
    """Exit code 0: imported, or with --dry-run could be. 1: rows were refused, or the file as a whole."""

    help = "Import a CSV or Excel file with the rights of the person named by --actor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", choices=sorted(RESOURCES))
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--actor", required=True, metavar="EMAIL", help="the person who imports")
        parser.add_argument("--dry-run", action="store_true", help="judge every row and write nothing")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        with acting_person(options["actor"]) as actor:
            home = organization_by_slug(options["organization"], actor)
            resource = RESOURCES[options["resource"]](actor, home)
            try:
                report = run_import(
                    resource, content, name=options["file"].name, dry_run=options["dry_run"], row_limit=ROW_LIMIT
                )
            except DomainError as refusal:
                self._refuse(refusal, as_json=options["json"])
        self._print(report, as_json=options["json"])
        if report.errors:
            raise SystemExit(1)

    def _refuse(self, refusal: DomainError, *, as_json: bool) -> None:
        if as_json:
            whole = {"row": None, "column": "", "code": refusal.code, "sentence": str(refusal)}
            self.stdout.write(json.dumps({"created": 0, "updated": 0, "skipped": 0, "errors": [whole]}, indent=2))
        else:
            self.stderr.write(f"{refusal} [{refusal.code}]")
        raise SystemExit(1)

    def _print(self, report: ImportReport, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), indent=2, ensure_ascii=False))
            return
        verb = "imported" if report.applied else "not written"
        counts = ", ".join(f"{count} {name}" for name, count in report.counts.items())
        self.stdout.write(f"{verb}: {counts}, {len(report.errors)} errors")
        for error in report.errors:
            place = f"line {error.row}" + (f", {error.column}" if error.column else "")
            self.stderr.write(f"{place}: {error.sentence} [{error.code}]")
