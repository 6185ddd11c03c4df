"""``manage.py env_matrix``: every knob with type, default, aliases and meaning; never a value that is set."""

from __future__ import annotations

import io
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from config import matrix


class Command(BaseCommand):
    """Print the environment matrix."""

    help = "Prints every configuration knob: type, default, aliases, whether it is secret, meaning. Never its value."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="A JSON list of objects.")
        form.add_argument("--markdown", action="store_true", help="A Markdown table.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(matrix.as_dicts(), indent=2))
        elif options["markdown"]:
            self.stdout.write(matrix.as_markdown())
        else:
            self.stdout.write(_table())


def _table() -> str:
    table = Table(*matrix.COLUMNS, show_lines=False, box=None, pad_edge=False)
    for cells in matrix.as_table():
        table.add_row(*cells)
    page = io.StringIO()
    Console(file=page, width=200).print(table)
    return page.getvalue() + matrix.FILE_RULE
