"""Export from the command line: the console's code, with the rights of one person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from admin_site.command_line import acting_person, organization_by_slug
from core.errors import DomainError
from resources.catalogue import RESOURCES
from resources.exporting import COMMAND_LIMIT, run_export
from resources.formats import SafeCSV


class Command(BaseCommand):
    """Writes CSV to the output file, else to standard output. Exit code 1 when the person may not export."""

    help = "Export a noun as CSV with the rights of the person named by --actor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", choices=sorted(RESOURCES))
        parser.add_argument("--organization", metavar="SLUG", help="only this organization's rows")
        parser.add_argument("--actor", required=True, metavar="EMAIL", help="the person who exports")
        parser.add_argument("--output", type=Path, help="a file; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["actor"]) as actor:
            slug = options["organization"]
            home = organization_by_slug(slug, actor) if slug else None
            try:
                content = run_export(RESOURCES[options["resource"]](actor, home), SafeCSV(), limit=COMMAND_LIMIT)
            except DomainError as refusal:
                raise CommandError(f"{refusal} [{refusal.code}]") from refusal
        if options["output"]:
            options["output"].write_bytes(content)
        else:
            self.stdout.write(content.decode(), ending="")
