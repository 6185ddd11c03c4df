"""Import a file from the command line: the console's code, with the rights of one person."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from admin_site.command_line import acting_person, organization_by_slug
from core import clock
from core.context import Actor
from core.errors import DomainError
from imports.enums import RunState
from imports.models import ImportRun
from resources.base import ConsoleResource
from resources.catalogue import RESOURCES
from resources.importing import (
    ImportReport,
    check,
    confirm,
    report_of,
    run_import,
    start_run,
)
from resources.writing import ask_for_chunk, write_chunk

TAKE_OVER_AFTER = dt.timedelta(minutes=2)


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
        try:
            run, report = self._begin(content, options)
            if run is not None:
                report = self._go_on(run, options)
        except DomainError as refusal:
            self._refuse(refusal, as_json=options["json"])
        self._print(report, as_json=options["json"])
        if report.errors:
            raise SystemExit(1)

    def _begin(self, content: bytes, options: dict[str, Any]) -> tuple[ImportRun | None, ImportReport]:
        """Check the file, and write it where it is small; a run where chunks are left to write."""
        name = options["file"].name
        with acting_person(options["actor"]) as actor:
            resource = self._resource(actor, options)
            if options["dry_run"]:
                return None, run_import(resource, content, name=name, dry_run=True)
            with transaction.atomic():
                run = check(resource, start_run(resource, content, name=name), content)
                report = report_of(run)
                if report.errors:
                    transaction.set_rollback(True)
                    return None, report
                run = confirm(resource, run, snapshot=run.snapshot)
            return (run if run.state == RunState.RUNNING else None), report_of(run)

    def _go_on(self, run: ImportRun, options: dict[str, Any]) -> ImportReport:
        """Chunk by chunk, each committed. A worker may take turns, and goes on when this process is stopped."""
        more = True
        while more:
            with acting_person(options["actor"]) as actor:
                more = write_chunk(self._resource(actor, options), run)
                if more:
                    ask_for_chunk(run, wait=clock.now() + TAKE_OVER_AFTER)
            if not options["json"]:
                self.stderr.write(f"{run.created + run.updated + run.skipped} of {run.rows} rows")
        with acting_person(options["actor"]):
            return report_of(run)

    def _resource(self, actor: Actor, options: dict[str, Any]) -> ConsoleResource:
        home = organization_by_slug(options["organization"], actor)
        return RESOURCES[options["resource"]](actor, home)

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
