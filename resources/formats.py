"""The two file formats of the product, for import-export and for every other writer: SafeCSV and SafeXLSX.

Values keep their types: numbers leave as numbers, dates and times as ISO 8601, everything else as text through the
one neutraliser, and header names too. A resource must therefore hand over native values (widgets with
`coerce_to_string=False`): a number that arrives as text is treated as text.
"""

from __future__ import annotations

import codecs
import io
import math
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar

import tablib
from import_export.formats.base_formats import Format
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

import resources.errors  # noqa: F401 -- declares the codes used here
from core.errors import DomainError
from resources.cells import restore_text_cell, safe_text_cell
from resources.reading import LIMITS, read_csv, read_xlsx

__all__ = ["LIMITS", "SafeCSV", "SafeXLSX", "restore_text_cell", "safe_text_cell"]

_EXCEL_DIGITS = 15
_EXCEL_CELL = 32_767
_OOXML_LOOKALIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class SafeFormat(Format):
    """What both have in common: bytes in and out, and the name import-export matches with a file's ending."""

    name: ClassVar[str]
    content_type: ClassVar[str]

    def __init__(self, encoding: str | None = None) -> None:
        """import-export passes an encoding; these formats have one and ignore it."""

    def get_title(self) -> str:
        return self.name

    def get_extension(self) -> str:
        return self.name

    def get_content_type(self) -> str:
        return self.content_type

    def can_import(self) -> bool:
        return True

    def can_export(self) -> bool:
        return True

    def create_dataset(self, in_stream: bytes | str, **_kwargs: Any) -> tablib.Dataset:
        """Read an upload. Raises DomainError with a code `import_…`."""
        return self.read(in_stream.encode() if isinstance(in_stream, str) else in_stream)

    def read(self, data: bytes) -> tablib.Dataset:
        raise NotImplementedError

    def export_data(self, dataset: tablib.Dataset, **_kwargs: Any) -> bytes:
        """The file's bytes. DomainError as `write` says."""
        content = io.BytesIO()
        self.write(content, _table(dataset))
        return content.getvalue()

    def write(self, sink: BinaryIO, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows of native values to `sink` as they come; the first row are headings. Memory does not grow with
        the number of rows."""
        raise NotImplementedError


class SafeCSV(SafeFormat):
    """RFC 4180, UTF-8, text always quoted, numbers never. `bom` adds the mark by which Excel recognises UTF-8."""

    name = "csv"
    content_type = "text/csv; charset=utf-8"

    def __init__(self, encoding: str | None = None, *, bom: bool = False) -> None:
        super().__init__(encoding)
        self.bom = bom

    def read(self, data: bytes) -> tablib.Dataset:
        return read_csv(data)

    def write(self, sink: BinaryIO, rows: Iterable[Iterable[Any]]) -> None:
        self.begin(sink)
        sink.writelines(self.line(row) for row in rows)

    def begin(self, sink: BinaryIO) -> None:
        """What stands before the first line."""
        if self.bom:
            sink.write(codecs.BOM_UTF8)

    @staticmethod
    def line(row: Iterable[Any]) -> bytes:
        """One line with its end."""
        return (",".join(map(_csv_cell, row)) + "\r\n").encode()


class SafeXLSX(SafeFormat):
    """One sheet; every text is a text cell, so nothing in it is ever computed."""

    name = "xlsx"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def read(self, data: bytes) -> tablib.Dataset:
        return read_xlsx(data)

    def write(self, sink: BinaryIO, rows: Iterable[Iterable[Any]]) -> None:
        """DomainError `export_cell_too_long` for a text a cell cannot hold (32,767 characters): CSV has no limit."""
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Export")
        sheet.freeze_panes = "A2"
        try:
            for row in rows:
                values = map(_xlsx_value, row)
                sheet.append([_text_cell(sheet, value) if isinstance(value, str) else value for value in values])
        except BaseException:
            sheet.close()
            raise
        book.save(sink)


def _table(dataset: tablib.Dataset) -> Iterator[Iterable[Any]]:
    if dataset.headers:
        yield dataset.headers
    yield from dataset


def _csv_cell(value: Any) -> str:
    plain = _plain(value)
    if isinstance(plain, str):
        return '"' + plain.replace('"', '""') + '"'
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return format(plain, "f") if isinstance(plain, Decimal) else repr(plain)


def _xlsx_value(value: Any) -> str | int | float | Decimal | bool:
    plain = _plain(value)
    if isinstance(plain, Decimal | int) and not isinstance(plain, bool) and _digits(plain) > _EXCEL_DIGITS:
        plain = safe_text_cell(format(Decimal(plain), "f"))
    if isinstance(plain, str):
        plain = _OOXML_LOOKALIKE.sub("_x005F_", plain)
        if len(plain) > _EXCEL_CELL:
            raise DomainError("export_cell_too_long", limit=_EXCEL_CELL)
    return plain


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell


def _digits(number: Decimal | int) -> int:
    return len(Decimal(number).normalize().as_tuple().digits)


def _plain(value: Any) -> str | int | float | Decimal | bool:
    """A cell's value in one of the forms a file can hold; text comes out neutralised."""
    match value:
        case None:
            return ""
        case bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case Decimal() if value.is_finite():
            return value
        case datetime() | date() | time():
            return value.isoformat()
    return safe_text_cell(str(value))
