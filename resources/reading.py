"""Uploaded tables, read with suspicion: CSV and XLSX only, bounded in every direction, and clear about what is wrong.

Cells go through `restore_text_cell`, so that what we exported comes back as it was. Refusals are DomainErrors whose
sentence names the row or column.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from xml.parsers import expat

import tablib
from django.utils.translation import gettext_lazy as _
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from core.errors import DomainError, ErrorText, declare_errors
from resources.cells import restore_text_cell


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one upload may hold. `cell` counts characters, `unpacked` the bytes of a workbook's parts together;
    above `unpacked_freely` they may be at most `ratio` times the upload."""

    bytes: int = 40 * 1024 * 1024
    rows: int = 200_000
    columns: int = 200
    cell: int = 32 * 1024
    unpacked: int = 200 * 1024 * 1024
    unpacked_freely: int = 10 * 1024 * 1024
    ratio: int = 100


LIMITS = Limits()

_SPLIT_FILE = _("Split the file and import the parts one after the other.")
_SAVE_CSV = _("Save it as “CSV UTF-8 (comma delimited)” and upload it again.")
_SAVE_XLSX = _("Open it in your spreadsheet program, save it as .xlsx and upload it again.")
_FIX_FILE = _("Correct the file and upload it again.")

declare_errors(
    {
        "import_file_too_large": ErrorText(_("The file is larger than %(limit)s MB."), _SPLIT_FILE, 413),
        "import_too_many_rows": ErrorText(_("The file has more than %(limit)s rows."), _SPLIT_FILE, 413),
        "import_too_many_columns": ErrorText(_("Row %(row)s has more than %(limit)s columns."), _FIX_FILE, 400),
        "import_cell_too_long": ErrorText(_("Row %(row)s has a cell of over %(limit)s characters."), _FIX_FILE, 400),
        "import_not_csv": ErrorText(_("This is not a CSV file."), _SAVE_CSV, 400),
        "import_not_xlsx": ErrorText(_("This is not an Excel workbook (.xlsx) that can be read."), _SAVE_XLSX, 400),
        "import_not_utf8": ErrorText(_("Line %(row)s holds characters that are not UTF-8."), _SAVE_CSV, 400),
        "import_broken_quotes": ErrorText(_("The quotation marks do not match around row %(row)s."), _FIX_FILE, 400),
        "import_wrong_separator": ErrorText(_("The columns are not separated by commas."), _SAVE_CSV, 400),
        "import_header_missing": ErrorText(_("The file has no header row."), _FIX_FILE, 400),
        "import_header_blank": ErrorText(_("Column %(column)s has no name in the header."), _FIX_FILE, 400),
        "import_header_twice": ErrorText(_("The header names “%(column)s” more than once."), _FIX_FILE, 400),
        "import_row_too_long": ErrorText(_("Row %(row)s has more cells than the header."), _FIX_FILE, 400),
        "import_cell_is_error": ErrorText(_("Cell %(cell)s holds an error instead of a value."), _FIX_FILE, 400),
        "import_archive_suspicious": ErrorText(_("The workbook unpacks to far more than it should."), _SAVE_XLSX, 400),
        "import_dtd_refused": ErrorText(_("The workbook declares document types, which we refuse."), _SAVE_XLSX, 400),
    }
)

_FOREIGN_MAGIC = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"Rar!")
_OOXML_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Table:
    """A file's header, and its rows one after the other: (line, cells), as wide as the header. Blank rows are left
    out. Reading on may raise what reading the file may."""

    headers: list[str]
    rows: Iterator[tuple[int, list[Any]]]

    def dataset(self) -> tablib.Dataset:
        """The whole table in memory."""
        found = tablib.Dataset(headers=self.headers)
        for _line, cells in self.rows:
            found.append(cells)
        return found


def open_csv(data: bytes, limits: Limits = LIMITS) -> Table:
    """A UTF-8 CSV file (with or without byte order mark), separated by commas; every cell is text."""
    _check_size(data, limits)
    if data.startswith(_FOREIGN_MAGIC):
        raise DomainError("import_not_csv")
    _check_text(data)
    return _table(_csv_rows(data, limits), limits)


def read_csv(data: bytes, limits: Limits = LIMITS) -> tablib.Dataset:
    """`open_csv`, read to its end."""
    return open_csv(data, limits).dataset()


def _check_text(data: bytes) -> None:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DomainError("import_not_utf8", row=data.count(b"\n", 0, error.start) + 1) from None
    if b"\x00" in data:
        raise DomainError("import_not_csv")


def _csv_rows(data: bytes, limits: Limits) -> Iterator[tuple[int, list[Any]]]:
    # Decoded piece by piece: the file as one text would take four bytes for each of its characters.
    rows = csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline=""), strict=True)
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            if number == 1 and len(row) == 1 and re.search("[;\t]", row[0]):
                raise DomainError("import_wrong_separator")
            yield number, [restore_text_cell(cell) if cell[:1] == "'" else cell for cell in row]
    except csv.Error as error:
        if "field limit" in str(error):
            raise DomainError("import_cell_too_long", row=number + 1, limit=limits.cell) from None
        raise DomainError("import_broken_quotes", row=number + 1) from None


def read_xlsx(data: bytes, limits: Limits = LIMITS) -> tablib.Dataset:
    """`open_xlsx`, read to its end."""
    return open_xlsx(data, limits).dataset()


def open_xlsx(data: bytes, limits: Limits = LIMITS) -> Table:
    """The active sheet of a workbook: text, numbers, booleans, dates; of formulas the saved values."""
    _check_size(data, limits)
    if not data.startswith(b"PK\x03\x04"):
        raise DomainError("import_not_xlsx")
    try:
        _check_archive(data, limits)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheet = book.active
        sheet.reset_dimensions()
        return _table(_guarded(_sheet_rows(sheet)), limits)
    except DomainError:
        raise
    except Exception as error:  # a hostile workbook can make the parser raise anything
        raise DomainError("import_not_xlsx") from error


def _guarded(rows: Iterator[tuple[int, list[Any]]]) -> Iterator[tuple[int, list[Any]]]:
    try:
        yield from rows
    except DomainError:
        raise
    except Exception as error:  # the same, further on in the file
        raise DomainError("import_not_xlsx") from error


def _check_archive(data: bytes, limits: Limits) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > limits.unpacked or unpacked > max(limits.unpacked_freely, limits.ratio * len(data)):
            raise DomainError("import_archive_suspicious")
        for part in archive.infolist():
            with archive.open(part) as content:
                _refuse_document_type(content)


def _refuse_document_type(content: Any) -> None:
    """Entities are declared before the root element only, so the parser reads no further. Other files are let be."""
    roots: list[str] = []
    parser = expat.ParserCreate()

    def refuse(*_args: object) -> None:
        raise DomainError("import_dtd_refused")

    parser.StartElementHandler = lambda name, _attributes: roots.append(name)
    parser.StartDoctypeDeclHandler = refuse
    try:
        while not roots and (chunk := content.read(65_536)):
            parser.Parse(chunk)
    except expat.ExpatError:
        return


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(sheet.rows, start=1):
        for column, cell in enumerate(row, start=1):
            if cell.data_type == "e":
                raise DomainError("import_cell_is_error", cell=f"{get_column_letter(column)}{number}")
        yield number, [_native(cell.value) for cell in row]


def _native(value: Any) -> Any:
    """A workbook's value as a resource expects it: whole numbers as int, dates without a time as date."""
    match value:
        case None:
            return ""
        case str():
            plain = _OOXML_ESCAPE.sub(lambda found: chr(int(found[1], 16)), value).replace("\x00", "")
            return restore_text_cell(plain)
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case datetime() if value.time() == time():
            return value.date()
        case timedelta():
            return str(value)
    return value


def _check_size(data: bytes, limits: Limits) -> None:
    if len(data) > limits.bytes:
        raise DomainError("import_file_too_large", limit=limits.bytes // (1024 * 1024))


def _table(rows: Iterable[tuple[int, list[Any]]], limits: Limits) -> Table:
    found = _filled(rows, limits)
    for _number, cells in found:
        headers = _header(cells)
        return Table(headers, _body(found, len(headers), limits))
    raise DomainError("import_header_missing")


def _filled(rows: Iterable[tuple[int, list[Any]]], limits: Limits) -> Iterator[tuple[int, list[Any]]]:
    for number, row in rows:
        cells = _trimmed(row)
        if cells:
            _check_row(number, cells, limits)
            yield number, cells


def _body(rows: Iterator[tuple[int, list[Any]]], width: int, limits: Limits) -> Iterator[tuple[int, list[Any]]]:
    for count, (number, cells) in enumerate(rows, start=1):
        if len(cells) > width:
            raise DomainError("import_row_too_long", row=number)
        if count > limits.rows:
            raise DomainError("import_too_many_rows", limit=limits.rows)
        yield number, cells + [""] * (width - len(cells))


def _trimmed(row: list[Any]) -> list[Any]:
    """The row without the blank cells at its end, which spreadsheet programs like to add."""
    width = len(row)
    while width and (row[width - 1] == "" or str(row[width - 1]).isspace()):
        width -= 1
    return row[:width]


def _check_row(number: int, cells: Sequence[Any], limits: Limits) -> None:
    if len(cells) > limits.columns:
        raise DomainError("import_too_many_columns", row=number, limit=limits.columns)
    if any(isinstance(cell, str) and len(cell) > limits.cell for cell in cells):
        raise DomainError("import_cell_too_long", row=number, limit=limits.cell)


def _header(cells: Sequence[Any]) -> list[str]:
    names = [str(cell).strip() for cell in cells]
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name:
            raise DomainError("import_header_blank", column=get_column_letter(position))
        if name.casefold() in seen:
            raise DomainError("import_header_twice", column=name)
        seen.add(name.casefold())
    return names
