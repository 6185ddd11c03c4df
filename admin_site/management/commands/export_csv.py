"""Export from the command line: the console's code, with the rights of one person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from admin_site.command_line import acting_person, organization_by_slug
from core.errors import DomainError
from resources.catalogue import RESOURCES
from resources.exporting import write_export
from resources.formats import SafeCSV


class Command(BaseCommand):
    """Writes CSV to the output file, else to standard output, as many rows as there are, in constant memory. Exit code
    1 when the person may not export."""

    help = "Export a noun as CSV with the rights of the person named by --actor."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("resource", choices=sorted(RESOURCES))
        parser.add_argument("--organization", metavar="SLUG", help="only this organization's rows")
        parser.add_argument("--actor", required=True, metavar="EMAIL", help="the person who exports")
        parser.add_argument("--bom", action="store_true", help="begin with the mark by which Excel knows UTF-8")
        parser.add_argument("--output", type=Path, help="a file; without it, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_person(options["actor"]) as actor:
            slug = options["organization"]
            home = organization_by_slug(slug, actor) if slug else None
            resource = RESOURCES[options["resource"]](actor, home)
            try:
                with self._sink(options["output"]) as sink:
                    write_export(sink, resource, SafeCSV(bom=options["bom"]))
            except DomainError as refusal:
                raise CommandError(f"{refusal} [{refusal.code}]") from refusal

    @contextmanager
    def _sink(self, output: Path | None) -> Iterator[Any]:
        """The file, written beside its place and moved there when it is whole; else standard output."""
        if output is None:
            yield _Text(self.stdout)
            return
        draft = output.with_name(f".{output.name}.part")
        try:
            with draft.open("wb") as file:
                yield file
            draft.replace(output)
        finally:
            draft.unlink(missing_ok=True)


class _Text:
    """Django's wrapper around standard output, for bytes."""

    def __init__(self, stdout: Any) -> None:
        self.stdout = stdout

    def write(self, data: bytes) -> int:
        self.stdout.write(data.decode(), ending="")
        return len(data)
