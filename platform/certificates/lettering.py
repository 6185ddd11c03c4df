"""Text on the page with the typeface we may embed: measured, letter-spaced, and with accents the typeface lacks.

Bitstream Vera comes with ReportLab and may be redistributed and embedded. It has the letters of English, Spanish and
most of western and central Europe. For Latin letters it lacks (ș, ő, ạ) the accent is drawn over the letter it has,
so that a name is spelled as its bearer spells it; other scripts show a box, and `missing_characters` says so before.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import reportlab
from reportlab.pdfbase import pdfmetrics

from certificates.typeface import SharedFont

REGULAR, BOLD, ITALIC = "CertificateVera", "CertificateVeraBold", "CertificateVeraItalic"

_FILES = {REGULAR: "Vera.ttf", BOLD: "VeraBd.ttf", ITALIC: "VeraIt.ttf"}

# Combining mark -> the spacing glyph that draws it, how far it moves up (ems), and whether capitals lift it.
_ACCENTS = {
    "\u0300": ("`", 0.0, True),
    "\u0301": ("´", 0.0, True),
    "\u0302": ("ˆ", 0.0, True),
    "\u0303": ("˜", 0.0, True),
    "\u0304": ("¯", 0.0, True),
    "\u0306": ("˘", 0.0, True),
    "\u0307": ("˙", 0.0, True),
    "\u0308": ("¨", 0.0, True),
    "\u030a": ("˚", 0.0, True),
    "\u030b": ("˝", 0.0, True),
    "\u030c": ("ˇ", 0.0, True),
    "\u0323": (".", -0.22, False),
    "\u0326": (",", -0.22, False),
    "\u0327": ("¸", 0.0, False),
    "\u0328": ("˛", 0.0, False),
}
_CAPITAL_LIFT = 0.18
_STACK_LIFT = 0.17


@cache
def register_fonts() -> None:
    """Load the typefaces once per process."""
    folder = Path(reportlab.__file__).parent / "fonts"
    for name, file in _FILES.items():
        pdfmetrics.registerFont(SharedFont(name, str(folder / file)))


def begin_document(document: Any) -> None:
    """Make a document of ReportLab's ready for our typefaces, before its first letter."""
    register_fonts()
    for name in _FILES:
        pdfmetrics.getFont(name).begin(document)


@cache
def _has_glyph(character: str) -> bool:
    register_fonts()
    return ord(character) in pdfmetrics.getFont(REGULAR).face.charToGlyph


def missing_characters(text: str) -> str:
    """The characters of `text`, each once, that cannot be printed and would show as a box."""
    return "".join(dict.fromkeys(letter for letter, _marks in _letters(text) if not _has_glyph(letter)))


def width_of(text: str, font: str, size: float, spacing: float = 0.0) -> float:
    """Width in points of one line, with `spacing` points after each letter but the last."""
    register_fonts()
    plain = text if text.isascii() else "".join(letter for letter, _marks in _letters(text))
    return float(pdfmetrics.stringWidth(plain, font, size)) + spacing * max(0, len(plain) - 1)


def draw(canvas: Any, x: float, y: float, text: str, font: str, size: float, *, spacing: float = 0.0) -> None:
    """One line from `x` on the baseline `y`, in the canvas's fill colour."""
    letters = list(_letters(text))
    plain = "".join(letter for letter, _marks in letters)
    composed = any(marks for _letter, marks in letters)
    if composed:
        canvas.addLiteral(f"/Span <</ActualText <FEFF{text.encode('utf-16-be').hex().upper()}>>> BDC")
    canvas.setFont(font, size)
    canvas.drawString(x, y, plain, charSpace=spacing)
    if composed:
        _draw_accents(canvas, (x, y), letters, font, size, spacing)
        canvas.addLiteral("EMC")


def draw_centered(canvas: Any, x: float, y: float, text: str, font: str, size: float, *, spacing: float = 0.0) -> None:
    draw(canvas, x - width_of(text, font, size, spacing) / 2, y, text, font, size, spacing=spacing)


def _letters(text: str) -> Iterator[tuple[str, str]]:
    """Each printed letter with the combining marks to draw on it; no marks where the typeface has the whole letter."""
    return map(_letter, unicodedata.normalize("NFC", text))


@cache
def _letter(character: str) -> tuple[str, str]:
    letter, *marks = list(character if _has_glyph(character) else unicodedata.normalize("NFD", character))
    if marks and _has_glyph(letter) and all(mark in _ACCENTS for mark in marks):
        return letter, "".join(marks)
    return character, ""


def _draw_accents(
    canvas: Any, start: tuple[float, float], letters: Sequence[tuple[str, str]], font: str, size: float, spacing: float
) -> None:
    x, y = start
    for letter, marks in letters:
        advance = pdfmetrics.stringWidth(letter, font, size)
        lift = _CAPITAL_LIFT * size if letter.isupper() else 0.0
        for mark in marks:
            glyph, shift, above = _ACCENTS[mark]
            offset = (advance - pdfmetrics.stringWidth(glyph, font, size)) / 2
            canvas.drawString(x + offset, y + shift * size + (lift if above else 0.0), glyph)
            lift += _STACK_LIFT * size if above else 0.0
        x += advance + spacing


def wrapped(text: str, font: str, size: float, width: float) -> list[str]:
    """`text` in lines no wider than `width`, broken at plain spaces, and inside a word only where it must be."""
    lines: list[str] = []
    line = ""
    for word in re.split("[ \t\r\n]+", text.strip()):
        longer = f"{line} {word}".strip()
        if width_of(longer, font, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _chopped(word, font, size, width)
        lines.extend(full)
    return [*lines, line] if line else lines


def _chopped(word: str, font: str, size: float, width: float) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and width_of(pieces[-1] + character, font, size) > width:
            pieces.append("")
        pieces[-1] += character
    return pieces


def fitted(text: str, font: str, sizes: Sequence[float], width: float, lines: int) -> tuple[float, list[str]]:
    """The largest of `sizes` at which `text` takes at most `lines` lines, and those lines; else the last size's."""
    for size in sizes:
        broken = wrapped(text, font, size, width)
        if len(broken) <= lines:
            return size, broken
    return size, broken
