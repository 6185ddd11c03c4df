"""What the pages of an import show: the question about its columns, a screenful of its rows, the refused ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tablib
from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from admin_site.actions import dress
from core.context import Actor
from core.errors import DomainError
from imports.enums import BEFORE_WRITING, Outcome, RunState
from imports.models import ImportedRow, ImportRun, StagedRow
from imports.services.rows import opened_line
from resources.base import ConsoleResource
from resources.catalogue import RESOURCES
from resources.importing import open_table
from resources.staging import Upload
from resources.verdicts import RowError

SHOWN_ROWS = 100
SAMPLE = 60


class ColumnsForm(forms.Form):
    """One choice for each column of the file, with the guess chosen and the first row's cell beside it."""

    def __init__(self, *args: Any, resource: ConsoleResource, run: ImportRun, upload: Upload, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        table = open_table(upload.content, run.file_name)
        first: Any = next(table.rows, (0, []))[1]
        self.resource = resource
        self.headers = dict(enumerate(table.headers))
        choices = [("", _("Leave out")), *((name, label(resource, name)) for name in resource.writable)]
        for place, header in self.headers.items():
            sample = str(first[place])[:SAMPLE] if place < len(first) else ""
            field = forms.ChoiceField(
                choices=choices, required=False, label=header[:80], initial=run.columns.get(header, ""),
                help_text=_("First row: %(cell)s") % {"cell": sample} if sample else "",
            )  # fmt: skip
            dress(field)
            self.fields[f"column-{place}"] = field

    def clean(self) -> dict[str, Any]:
        """Each of our columns once, the needed ones at all."""
        cleaned = super().clean() or {}
        named = [name for name in cleaned.values() if name]
        for place in self.headers:
            name = cleaned.get(f"column-{place}")
            if name and named.count(name) > 1:
                self.add_error(f"column-{place}", str(DomainError("import_column_twice", column=name)))
        missing = [label(self.resource, name) for name in self.resource.required if name not in named]
        if missing:
            self.add_error(None, str(DomainError("import_column_missing", columns=", ".join(missing))))
        return cleaned

    def meant(self) -> dict[str, str]:
        """Our column by header, "" for those left out."""
        return {header: self.cleaned_data[f"column-{place}"] for place, header in self.headers.items()}


def label(resource: ConsoleResource, name: str) -> str:
    """What one of our columns is called, with its name in files, and a mark where a value is needed."""
    titles = resource.titles()
    mark = " *" if name in resource.required else ""
    return f"{titles[name]} ({name}){mark}" if name in titles else f"{name}{mark}"


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One line of the page."""

    line: int
    outcome: str
    label: str
    url: str
    changes: dict[str, Any]
    errors: list[RowError]


class RowsPage:
    """The rows of a run with one outcome or any, a screenful after line `after`."""

    def __init__(self, run: ImportRun, actor: Actor, *, outcome: str, after: str) -> None:
        self.run = run
        self.outcome = outcome if outcome in Outcome.values else ""
        self.after = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0
        staged = StagedRow.objects.visible_to(actor).filter(run=run)
        self.staged = staged
        before = run.state in {*BEFORE_WRITING, RunState.RUNNING}
        rows: Any = staged if before else ImportedRow.objects.visible_to(actor).filter(run=run)
        if self.outcome:
            rows = rows.filter(outcome=self.outcome)
        found = list(rows.filter(line__gt=self.after).order_by("line")[: SHOWN_ROWS + 1])
        self.next = found[SHOWN_ROWS - 1].line if len(found) > SHOWN_ROWS else None
        self.rows = list(self._shown(found[:SHOWN_ROWS]))

    def _shown(self, found: list[Any]) -> Iterator[ShownRow]:
        kept = {row.line: row for row in self.staged.filter(line__in=[row.line for row in found]).defer("facts", "raw")}
        resource = RESOURCES[self.run.resource]
        meta, titles = resource.model._meta, resource.titles()
        for row in found:
            told = kept.get(row.line)
            errors = [RowError.kept(row.line, error) for error in (told.errors or [])] if told else []
            code = getattr(row, "code", "")
            if code and not errors:
                errors = [RowError(row.line, "", code)]
            written = isinstance(row, ImportedRow) and row.record_id and self.run.state != RunState.UNDONE
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.record_id]) if written else ""
            changes = (told.changes if told else getattr(row, "before", None)) or {}
            named = {titles.get(column, column): pair for column, pair in changes.items()}
            yield ShownRow(row.line, row.outcome, told.label if told else "", url, named, errors)

    @property
    def counts(self) -> list[tuple[str, Any, int]]:
        """Outcome, its word, how many rows: as the check saw them, afterwards as they were written."""
        run = self.run
        written = (run.created, run.updated, run.skipped, run.failed)
        judged = (run.to_create, run.to_update, run.to_skip, run.refused)
        numbers = judged if run.state in {*BEFORE_WRITING, RunState.RUNNING, RunState.EXPIRED} else written
        return [(value, name, number) for (value, name), number in zip(Outcome.choices, numbers, strict=True)]

    @property
    def done(self) -> int:
        """Rows that are written so far."""
        return self.run.created + self.run.updated + self.run.skipped + self.run.failed

    @property
    def refusal(self) -> DomainError | None:
        """Why the run stopped, or was not undone."""
        kept = self.run.refusal
        return DomainError(kept["code"], **kept["params"]) if kept else None


def refused_table(run: ImportRun, actor: Actor) -> tablib.Dataset:
    """Line, column, code and reason of each refused row, and the cells as they were uploaded where they are kept."""
    resource = RESOURCES[run.resource](actor, run.organization)
    columns = [name for name in resource.writable if name in run.columns.values()]
    table = tablib.Dataset(headers=["row", "column", "code", "reason", *columns])
    staged = StagedRow.objects.visible_to(actor).filter(run=run, outcome=Outcome.ERROR).order_by("line")
    told = set()
    for row in staged.iterator(chunk_size=2000):
        told.add(row.line)
        cells = opened_line(run, row)
        for kept in row.errors or []:
            error = RowError.kept(row.line, kept)
            table.append([row.line, error.column, error.code, error.sentence, *(cells.get(c, "") for c in columns)])
    written = ImportedRow.objects.visible_to(actor).filter(run=run, outcome=Outcome.ERROR).order_by("line")
    for line, code in written.values_list("line", "code"):
        if line not in told:
            table.append([line, "", code, RowError(line, "", code).sentence, *("" for _column in columns)])
    return table
