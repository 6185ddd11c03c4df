"""Ways to make a certificate of its facts. What the government's own system will one day hand out fits in here too."""

from __future__ import annotations

from typing import Protocol

from certificates.pdf import CertificateFacts, render_certificate
from certificates.wording import SIMULATED_BAND, WORDINGS, long_date, time_with_zone


class CertificateGenerator(Protocol):
    """Turns facts into a document: pure, the same facts give the same bytes."""

    @property
    def content_type(self) -> str:
        """Of the document, as HTTP spells it."""

    @property
    def suffix(self) -> str:
        """The ending of its file name, with the dot."""

    def generate(self, facts: CertificateFacts) -> bytes:
        """The document. ValueError when a moment of the facts has no time zone."""


class PdfGenerator:
    """The one-page certificate that is printed and filed."""

    content_type = "application/pdf"
    suffix = ".pdf"

    def generate(self, facts: CertificateFacts) -> bytes:
        return render_certificate(facts)


class TextGenerator:
    """The same words as plain text, for readers and programs that a page layout would be in the way of."""

    content_type = "text/plain"
    suffix = ".txt"

    def generate(self, facts: CertificateFacts) -> bytes:
        return ("\n".join(_lines(facts)) + "\n").encode()


def _lines(facts: CertificateFacts) -> list[str]:
    if facts.completed_at.tzinfo is None or facts.issued_at.tzinfo is None:
        raise ValueError("A certificate shows the time zone, so its times need one.")
    words = WORDINGS[facts.locale]
    completed = f"{long_date(facts.completed_at, facts.locale)}, {time_with_zone(facts.completed_at, facts.locale)}"
    rows = {
        words.labels["number"]: facts.number,
        words.labels["case"]: facts.case_number,
        words.labels["completed"]: completed,
        words.labels["delivery"]: words.delivery[facts.delivery],
        words.labels["plan"]: "" if facts.debt_plan_attached is None else words.plan[facts.debt_plan_attached],
    }
    return [
        *([words.watermark[facts.watermark], ""] if facts.watermark else []),
        *([SIMULATED_BAND[facts.locale], ""] if facts.simulated else []),
        words.title[facts.kind],
        words.statute[facts.kind],
        "",
        f"{words.lead} {facts.client_name}",
        *([words.represented_by.format(name=facts.representative)] if facts.representative else []),
        words.statement[facts.kind].format(agency=facts.agency_name, district=facts.district_name),
        "",
        *(f"{label}: {value}" for label, value in rows.items() if value),
        "",
        f"/s/ {facts.counselor_name}, {facts.counselor_title}",
        words.signature_of[facts.kind],
        words.issued.format(date=long_date(facts.issued_at, facts.locale)),
        "",
        f"{words.verify}: {facts.verify_url}",
    ]


PDF = PdfGenerator()
TEXT = TextGenerator()
