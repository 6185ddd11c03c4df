"""What is on a certificate's page besides its text: colours, frame, band, code and watermark."""

from __future__ import annotations

import re
from typing import Any

import segno
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import LETTER

from certificates.lettering import BOLD, draw_centered, fitted
from certificates.wording import SIMULATED_BAND, Locale

WIDTH, HEIGHT = LETTER
CENTER = WIDTH / 2
QR_SIZE = 92.0

NAVY, BRONZE, GREY, HAIR = HexColor(0x1B2A4A), HexColor(0x8A6D3B), HexColor(0x5B6472), HexColor(0xD5D2C8)
BAND, BAND_TEXT = HexColor(0xF2B705), HexColor(0x2B2100)
WATERMARK = Color(0.70, 0.07, 0.07, alpha=0.20)

_DARK_RUN = re.compile(rb"\x01+")


def draw_frame(canvas: Any) -> None:
    canvas.setStrokeColor(NAVY)
    canvas.setLineWidth(2.2)
    canvas.rect(28, 28, WIDTH - 56, HEIGHT - 56)
    canvas.setStrokeColor(BRONZE)
    canvas.setLineWidth(0.6)
    canvas.rect(34, 34, WIDTH - 68, HEIGHT - 68)
    canvas.setFillColor(BRONZE)
    for x in (34, WIDTH - 34):
        for y in (34, HEIGHT - 34):
            canvas.rect(x - 2.5, y - 2.5, 5, 5, stroke=0, fill=1)


def draw_band(canvas: Any, locale: Locale) -> None:
    sentences = dict.fromkeys((SIMULATED_BAND[locale], SIMULATED_BAND["en"]))
    height = 8 + 14 * len(sentences)
    canvas.setFillColor(BAND)
    canvas.rect(40, HEIGHT - 40 - height, WIDTH - 80, height, stroke=0, fill=1)
    canvas.setFillColor(BAND_TEXT)
    for line, sentence in enumerate(sentences):
        draw_centered(canvas, CENTER, HEIGHT - 55 - 14 * line, sentence, BOLD, 9, spacing=0.4)


def draw_ornament(canvas: Any, y: float) -> None:
    canvas.setStrokeColor(BRONZE)
    canvas.setLineWidth(0.8)
    canvas.line(CENTER - 130, y, CENTER - 10, y)
    canvas.line(CENTER + 10, y, CENTER + 130, y)
    canvas.saveState()
    canvas.translate(CENTER, y)
    canvas.rotate(45)
    canvas.setFillColor(BRONZE)
    canvas.rect(-3, -3, 6, 6, stroke=0, fill=1)
    canvas.restoreState()


def draw_qr(canvas: Any, url: str, left: float, bottom: float) -> None:
    """The code as one vector path, in units of modules, on white with a quiet zone so that it scans on any page.

    Every mask makes a valid code; looking for the prettiest of the eight would cost a quarter of the page's time.
    """
    matrix = segno.make_qr(url, error="m", boost_error=False, mask=3).matrix
    module = QR_SIZE / len(matrix)
    canvas.setFillColor(white)
    canvas.rect(left - 4 * module, bottom - 4 * module, QR_SIZE + 8 * module, QR_SIZE + 8 * module, stroke=0, fill=1)
    runs = (
        f"{dark.start()} {row} {dark.end() - dark.start()} 1 re"
        for row, modules in enumerate(reversed(matrix))
        for dark in _DARK_RUN.finditer(modules)
    )
    canvas.saveState()
    canvas.setFillColor(NAVY)
    canvas.translate(left, bottom)
    canvas.scale(module, module)
    canvas.addLiteral("\n".join([*runs, "f"]))
    canvas.restoreState()


def draw_watermark(canvas: Any, word: str) -> None:
    canvas.saveState()
    canvas.translate(CENTER, 410)
    canvas.rotate(38)
    canvas.setFillColor(WATERMARK)
    size, _lines = fitted(word, BOLD, (92, 84, 76, 68), 600, lines=1)
    draw_centered(canvas, 0, -size / 3, word, BOLD, size, spacing=3)
    canvas.restoreState()
