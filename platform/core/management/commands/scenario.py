"""`manage.py scenario FILE.csv [--json]`: answer rule questions from a file, without a database."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import autodiscover_modules

from core.scenarios import ScenarioError, answer_file

_COLUMNS = ("id", "answer", "detail")


class Command(BaseCommand):
    help = "Answer rule questions from a CSV file with the columns id, question and those of each question."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--json", action="store_true", help="print a JSON list of {id, answer, detail}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every answer in the file's order, or nothing: a malformed file exits with 2 and says where."""
        autodiscover_modules("scenarios")
        try:
            answers = answer_file(options["file"])
        except ScenarioError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(_as_json(answers) if options["json"] else _as_table(answers))


def _as_json(answers: list[dict[str, Any]]) -> str:
    return json.dumps(answers, ensure_ascii=False, indent=2)


def _as_table(answers: list[dict[str, Any]]) -> str:
    rows = [_COLUMNS, *((row["id"], row["answer"], _in_words(row["detail"])) for row in answers)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{first:<{widths[0]}}  {second:<{widths[1]}}  {third}".rstrip() for first, second, third in rows)


def _in_words(detail: dict[str, Any]) -> str:
    shown = {name: ", ".join(value) if isinstance(value, list) else value for name, value in detail.items()}
    return "  ".join(f"{name}={value}" for name, value in shown.items() if value not in (None, ""))
