"""A certificate on one Letter page. Pure: the same facts give the same bytes, in any process, at any time."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reportlab import rl_config
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import LETTER
from reportlab.pdfgen.canvas import Canvas

from certificates.lettering import (
    BOLD,
    ITALIC,
    REGULAR,
    begin_document,
    draw,
    draw_centered,
    fitted,
    missing_characters,
    width_of,
    wrapped,
)
from certificates.ornament import (
    BRONZE,
    CENTER,
    GREY,
    HAIR,
    NAVY,
    QR_SIZE,
    WIDTH,
    draw_band,
    draw_frame,
    draw_ornament,
    draw_qr,
    draw_watermark,
)
from certificates.wording import WORDINGS, Locale, Wording, long_date, time_with_zone, unbroken_citations

rl_config.useA85 = 0  # a PDF is kept and sent as bytes: seven-bit text would only be larger and slower
MARGIN = 74.0
TEXT_WIDTH = WIDTH - 2 * MARGIN
BODY_TOP, BODY_BOTTOM = 560.0, 208.0


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """Everything a certificate says.

    `completed_at` and `issued_at` are aware and on the court's clock. `representative` names the person and the
    capacity, `case_number` is for debtor education, `debt_plan_attached` for credit counseling (None: say nothing).
    `simulated` marks a number that the government's system did not issue.
    """

    kind: Literal["CC", "DE"]
    number: str
    simulated: bool
    agency_name: str
    district_name: str
    client_name: str
    delivery: Literal["in_person", "telephone", "internet"]
    completed_at: datetime
    issued_at: datetime
    counselor_name: str
    counselor_title: str
    verify_url: str
    representative: str = ""
    case_number: str = ""
    debt_plan_attached: bool | None = None
    watermark: Literal["replaced", "revoked"] | None = None
    locale: Locale = "en"


def unprintable_characters(facts: CertificateFacts) -> str:
    """The letters of the names that the typeface lacks; they would show as boxes. Empty for almost everyone."""
    names = (facts.client_name, facts.representative, facts.agency_name, facts.counselor_name, facts.counselor_title)
    return missing_characters(" ".join(" ".join(names).split()))


def render_certificate(facts: CertificateFacts) -> bytes:
    """The PDF. ValueError when a moment has no time zone."""
    if facts.completed_at.tzinfo is None or facts.issued_at.tzinfo is None:
        raise ValueError("A certificate shows the time zone, so its times need one.")
    words = WORDINGS[facts.locale]
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=LETTER, invariant=1, pageCompression=1, lang=facts.locale)
    begin_document(canvas._doc)  # noqa: SLF001 -- the package has no other name for it
    _describe(canvas, facts, words)
    draw_frame(canvas)
    if facts.simulated:
        draw_band(canvas, facts.locale)
    _draw_heading(canvas, facts, words)
    _draw_body(canvas, _body(facts, words))
    _draw_signature(canvas, facts, words)
    _draw_verification(canvas, facts, words)
    if facts.watermark:
        draw_watermark(canvas, words.watermark[facts.watermark])
    canvas.showPage()
    canvas.save()
    return content.getvalue()


def _describe(canvas: Any, facts: CertificateFacts, words: Wording) -> None:
    canvas.setTitle(f"{words.title[facts.kind]} {facts.number}")
    canvas.setAuthor(facts.agency_name)
    canvas.setSubject(words.statute[facts.kind])
    canvas.setCreator("CertaOS")
    canvas.setKeywords([facts.number, *(["SIMULATED"] if facts.simulated else [])])
    canvas.setViewerPreference("DisplayDocTitle", "true")
    issued = facts.issued_at.strftime("D:%Y%m%d%H%M%S%z")
    canvas.setDateFormatter(lambda *_now: f"{issued[:-2]}'{issued[-2:]}'")


def _draw_heading(canvas: Any, facts: CertificateFacts, words: Wording) -> None:
    size, agency = fitted(facts.agency_name, BOLD, (13, 12, 11, 10, 9), TEXT_WIDTH, lines=2)
    canvas.setFillColor(NAVY)
    for line, text in enumerate(reversed(agency)):
        draw_centered(canvas, CENTER, 668 + line * (size + 3), text, BOLD, size, spacing=0.3)
    draw_ornament(canvas, 654)
    size, title = fitted(words.title[facts.kind], REGULAR, (30, 28, 26, 24, 22, 20), TEXT_WIDTH + 24, lines=1)
    draw_centered(canvas, CENTER, 612, title[0], REGULAR, size, spacing=0.2)
    canvas.setFillColor(GREY)
    draw_centered(canvas, CENTER, 590, words.statute[facts.kind], REGULAR, 9, spacing=0.3)


@dataclass(frozen=True, slots=True)
class _Block:
    """A piece of the page's middle: its height, and how to draw it below a given y."""

    height: float
    draw: Callable[[Any, float], None]


def _body(facts: CertificateFacts, words: Wording) -> list[_Block]:
    """The middle of the page at the largest scale at which it fits."""
    blocks: list[_Block] = []
    for scale in (1.12, 1.06, 1.0, 0.94, 0.88, 0.82, 0.76, 0.7):
        blocks = [
            _centered([words.lead], ITALIC, 11.5 * scale, GREY),
            _name(facts.client_name, scale),
            *_represented(facts, words, scale),
            _centered(_statement(facts, words, scale), REGULAR, 11 * scale, NAVY),
            *_rows(facts, words, scale),
        ]
        if _height(blocks) <= BODY_TOP - BODY_BOTTOM:
            break
    return blocks


def _height(blocks: list[_Block]) -> float:
    return sum(block.height for block in blocks)


def _draw_body(canvas: Any, blocks: list[_Block]) -> None:
    y = BODY_TOP - min(16.0, max(0.0, (BODY_TOP - BODY_BOTTOM - _height(blocks)) / 3))
    for block in blocks:
        block.draw(canvas, y)
        y -= block.height


def _centered(lines: list[str], font: str, size: float, color: Color) -> _Block:
    def paint(canvas: Any, top: float) -> None:
        canvas.setFillColor(color)
        for number, line in enumerate(lines):
            draw_centered(canvas, CENTER, top - size - number * size * 1.5, line, font, size)

    return _Block(size * 1.5 * len(lines) + 10, paint)


def _name(name: str, scale: float) -> _Block:
    size, lines = fitted(name, BOLD, [points * scale for points in (25, 22, 19, 17, 15)], TEXT_WIDTH, lines=1)
    if len(lines) > 1:
        size, lines = fitted(name, BOLD, [points * scale for points in (17, 15, 13, 11, 9)], TEXT_WIDTH, lines=2)

    half = max(190.0, *(width_of(line, BOLD, size) / 2 + 10 for line in lines))

    def paint(canvas: Any, top: float) -> None:
        canvas.setFillColor(NAVY)
        for number, line in enumerate(lines):
            draw_centered(canvas, CENTER, top - size - number * size * 1.25, line, BOLD, size)
        rule = top - size - (len(lines) - 1) * size * 1.25 - 10
        canvas.setStrokeColor(BRONZE)
        canvas.setLineWidth(0.8)
        canvas.line(CENTER - half, rule, CENTER + half, rule)

    return _Block(size * 1.25 * len(lines) + 22, paint)


def _represented(facts: CertificateFacts, words: Wording, scale: float) -> list[_Block]:
    if not facts.representative:
        return []
    lines = wrapped(words.represented_by.format(name=facts.representative), ITALIC, 10.5 * scale, TEXT_WIDTH)
    return [_centered(lines, ITALIC, 10.5 * scale, NAVY)]


def _statement(facts: CertificateFacts, words: Wording, scale: float) -> list[str]:
    sentence = words.statement[facts.kind].format(agency=facts.agency_name, district=facts.district_name)
    return wrapped(unbroken_citations(sentence), REGULAR, 11 * scale, TEXT_WIDTH - 20)


def _rows(facts: CertificateFacts, words: Wording, scale: float) -> list[_Block]:
    completed = f"{long_date(facts.completed_at, facts.locale)}, {time_with_zone(facts.completed_at, facts.locale)}"
    values = {
        "number": facts.number,
        "case": facts.case_number,
        "completed": completed,
        "delivery": words.delivery[facts.delivery],
        "district": facts.district_name,
        f"agency_{facts.kind}": facts.agency_name,
        "plan": "" if facts.debt_plan_attached is None else words.plan[facts.debt_plan_attached],
    }
    return [_row(words.labels[label], value, scale) for label, value in values.items() if value]


def _row(label: str, value: str, scale: float) -> _Block:
    column = 168.0
    size = 10 * scale
    lines = wrapped(value, REGULAR, size, TEXT_WIDTH - column)
    leading = size * 1.4

    def paint(canvas: Any, top: float) -> None:
        canvas.setStrokeColor(HAIR)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, top, WIDTH - MARGIN, top)
        baseline = top - size - 5 * scale
        canvas.setFillColor(GREY)
        draw(canvas, MARGIN, baseline, label, REGULAR, size * 0.86)
        canvas.setFillColor(NAVY)
        for number, line in enumerate(lines):
            draw(canvas, MARGIN + column, baseline - number * leading, line, REGULAR, size)

    return _Block(leading * len(lines) + 9 * scale, paint)


def _draw_signature(canvas: Any, facts: CertificateFacts, words: Wording) -> None:
    width = 250.0
    size, lines = fitted(f"/s/ {facts.counselor_name}", ITALIC, (16, 14, 12, 10, 8), width, lines=1)
    canvas.setFillColor(NAVY)
    for number, line in enumerate(reversed(lines[:2])):
        draw(canvas, MARGIN, 150 + number * (size + 2), line, ITALIC, size)
    canvas.setStrokeColor(NAVY)
    canvas.setLineWidth(0.7)
    canvas.line(MARGIN, 142, MARGIN + width, 142)
    name = fitted(facts.counselor_name, BOLD, (8.5, 7.5), width, lines=1)[1][:2]
    title = wrapped(facts.counselor_title, REGULAR, 8.5, width)[:2]
    issued = words.issued.format(date=long_date(facts.issued_at, facts.locale))
    plain = [*title, words.signature_of[facts.kind], issued]
    under = [*((line, BOLD) for line in name), *((line, REGULAR) for line in plain)]
    for number, (line, font) in enumerate(under):
        canvas.setFillColor(NAVY if font == BOLD else GREY)
        draw(canvas, MARGIN, 129 - number * 12.5, line, font, 8.5)


def _draw_verification(canvas: Any, facts: CertificateFacts, words: Wording) -> None:
    left, bottom = WIDTH - MARGIN - QR_SIZE, 96.0
    draw_qr(canvas, facts.verify_url, left, bottom)
    canvas.setFillColor(NAVY)
    draw_centered(canvas, left + QR_SIZE / 2, bottom - 13, words.verify, BOLD, 7.5)
    canvas.setFillColor(GREY)
    size, lines = fitted(facts.verify_url.removeprefix("https://"), REGULAR, (7, 6.5, 6, 5.5), 190, lines=1)
    for number, line in enumerate(lines[:3]):
        x = min(left + QR_SIZE / 2, WIDTH - MARGIN + 24 - width_of(line, REGULAR, size) / 2)
        draw_centered(canvas, x, bottom - 24 - number * (size + 2), line, REGULAR, size)
    canvas.linkURL(facts.verify_url, (left, bottom, left + QR_SIZE, bottom + QR_SIZE), relative=0, thickness=0)
    draw_centered(canvas, CENTER, 44, words.page_note, REGULAR, 7)
