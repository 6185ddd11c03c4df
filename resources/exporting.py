"""Write an export and leave evidence of what left.

A declared resource becomes one statement that runs as the acting person, under both nets. PostgreSQL writes safe CSV
itself; other formats, and columns that are worked out here, take the same rows one at a time. Nothing is ever held in
memory as a whole.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.db import models, transaction
from django.http import QueryDict

import resources.errors  # noqa: F401 -- declares the codes used here
from audit.services import record
from core.errors import DomainError
from resources import copying
from resources.base import ConsoleResource
from resources.columns import Column, resolved
from resources.formats import SafeCSV, SafeFormat, SafeXLSX

REQUEST_LIMIT = 2_000
XLSX_LIMIT = 100_000
TOLD_EVERY = 1_000
SEARCH = "q"
FORMATS: dict[str, Callable[[], SafeFormat]] = {
    "csv": SafeCSV,
    "excel-csv": lambda: SafeCSV(bom=True),
    "xlsx": SafeXLSX,
}
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished file holds: data rows, bytes, and the digest of the bytes."""

    rows: int
    size: int
    sha256: str


class _Counted:
    """A sink that keeps count and digest of what passes."""

    def __init__(self, sink: BinaryIO) -> None:
        self.sink = sink
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self.sink.write(data)

    def flush(self) -> None:
        self.sink.flush()


def write_export(
    sink: BinaryIO,
    resource: ConsoleResource,
    form: SafeFormat,
    *,
    rows: models.QuerySet | None = None,
    columns: Sequence[str] = (),
    limit: int | None = None,
    filters: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the rows that may leave to `sink`, and one audit event: which columns and how many rows left, under which
    filter, and the digest of the file.

    `rows` is the list to be exported (None: everything in sight), `columns` the headings wanted (none: all), `limit`
    the most rows (more are refused, never cut off). `progress` hears the number of rows now and then; what it raises
    ends the export. DomainError `export_not_yours`, `export_too_many_rows`, `export_too_many_for_xlsx`,
    `export_cell_too_long`, `export_columns_unknown`.
    """
    chosen = _chosen(resource, columns)
    wanted = resource.labelled(resource.export_rows(rows))
    most, code = _most(form, limit)
    if most is not None:
        wanted = wanted[: most + 1]
    counted = _Counted(sink)
    told = _Told(progress, most, code)
    with transaction.atomic():
        _write(counted, resource, form, wanted, chosen, told)
    written = Written(told.rows, counted.size, counted.digest.hexdigest())
    record(
        f"{resource.name}.exported",
        resource.evidence_target(),
        payload={
            "rows": written.rows, "columns": list(chosen), "format": form.name, "sha256": written.sha256,
            "filter": dict(filters or {}),
        },
    )  # fmt: skip
    return written


def run_export(resource: ConsoleResource, form: SafeFormat, **options: Any) -> bytes:
    """The bytes of a small export, at most REQUEST_LIMIT rows unless `limit` says otherwise; see `write_export`."""
    content = io.BytesIO()
    write_export(content, resource, form, **{"limit": REQUEST_LIMIT, **options})
    return content.getvalue()


def estimated_rows(resource: ConsoleResource, rows: models.QuerySet | None, *, most: int) -> int:
    """How many rows would leave, counted up to `most` + 1."""
    return resource.export_rows(rows).order_by()[: most + 1].count()


def told_filters(query: QueryDict) -> dict[str, Any]:
    """The filters of a list for the evidence. What was searched for may be a name: that there was a search is kept, not
    the words."""
    return {key: "…" if key == SEARCH else values for key, values in query.lists()}


class _Told:
    """Counts rows, tells of them now and then, and refuses more than the limit."""

    def __init__(self, progress: Progress | None, most: int | None, code: str) -> None:
        self.progress = progress
        self.most = most
        self.code = code
        self.rows = 0

    def each(self, rows: Iterator[Any]) -> Iterator[Any]:
        for row in rows:
            self.rows += 1
            if self.most is not None and self.rows > self.most:
                raise DomainError(self.code, limit=self.most)
            if self.progress is not None and self.rows % TOLD_EVERY == 0:
                self.progress(self.rows)
            yield row


def _write(
    sink: Any, resource: ConsoleResource, form: SafeFormat, rows: models.QuerySet, chosen: Sequence[str], told: _Told
) -> None:
    worked_out = [name for name in chosen if name in resource.python_columns]
    columns = resolved(rows, _read(resource, chosen))
    zone = resource.zone()
    # Closed at once when anything fails: a COPY left open would hold the connection that has to roll back.
    if isinstance(form, SafeCSV) and not worked_out:
        form.begin(sink)
        sink.write(form.line(chosen))
        with closing(copying.csv_lines(rows, columns, zone=zone)) as lines:
            for line in told.each(lines):
                sink.write(line + b"\r\n")
        return
    with closing(copying.values(rows, columns, zone=zone)) as values:
        form.write(sink, _with_head(resource, chosen, columns, told.each(values), ZoneInfo(zone)))


def _with_head(
    resource: ConsoleResource, chosen: Sequence[str], columns: Sequence[Column], values: Iterator[Any], zone: ZoneInfo
) -> Iterator[list[Any]]:
    yield list(chosen)
    places = {column.name: number for number, column in enumerate(columns)}
    makers = [_maker(resource, name, places, zone) for name in chosen]
    for row in values:
        yield [make(row) for make in makers]


def _maker(
    resource: ConsoleResource, name: str, places: Mapping[str, int], zone: ZoneInfo
) -> Callable[[tuple[Any, ...]], Any]:
    if name not in resource.python_columns:
        place = places[name]
        return lambda row: _moment(row[place], zone)
    needs, work = resource.python_columns[name]
    inputs = [places[f"{name}:{path}"] for path in needs]
    return lambda row: work(*(row[place] for place in inputs))


def _moment(value: Any, zone: ZoneInfo) -> Any:
    """Moments to the second, in the export's zone, as the database writes them."""
    return value.astimezone(zone).isoformat(timespec="seconds") if hasattr(value, "astimezone") else value


def _read(resource: ConsoleResource, chosen: Sequence[str]) -> list[tuple[str, str]]:
    """What has to be read: (heading, path); for a column worked out here, each path it needs."""
    found = []
    for name in chosen:
        if name in resource.python_columns:
            found += [(f"{name}:{path}", path) for path in resource.python_columns[name][0]]
        else:
            found.append((name, resource.column_path(name)))
    return found


def _chosen(resource: ConsoleResource, columns: Sequence[str]) -> tuple[str, ...]:
    unknown = set(columns) - set(resource.exports)
    if unknown:
        raise DomainError("export_columns_unknown", columns=", ".join(sorted(unknown)))
    return tuple(columns) or resource.exports


def _most(form: SafeFormat, limit: int | None) -> tuple[int | None, str]:
    if isinstance(form, SafeXLSX) and (limit is None or limit > XLSX_LIMIT):
        return XLSX_LIMIT, "export_too_many_for_xlsx"
    return limit, "export_too_many_rows"
