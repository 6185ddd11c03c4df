"""Turn an event and its facts into the three parts of a mail, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import css_inline
from django.conf import settings
from django.template import Context
from django.template.loader import get_template
from django.utils.translation import override

LONGEST_SUBJECT = 200
# Styles for dark screens and phones cannot be inlined, so the style block stays as well. Nothing is fetched.
_INLINER = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a mail says."""

    subject: str
    text: str
    html: str


def render(event: str, language: str, context: Mapping[str, Any]) -> Parts:
    """The parts of `templates/email/<event, dots as folders>/`; TemplateDoesNotExist when the event has no text.

    Every template also knows `site_url`, `support_email`, `support_phone` and `language`.
    """
    folder = f"email/{event.replace('.', '/')}"
    with override(language):
        facts = _shared(language) | dict(context)
        subject = " ".join(_plain(f"{folder}/subject.txt", facts).split())[:LONGEST_SUBJECT]
        facts["subject"] = subject
        text = _tidy(_plain(f"{folder}/body.txt", facts))
        html = _INLINER.inline(get_template(f"{folder}/body.html").render(facts))
    return Parts(subject, text, html)


def _shared(language: str) -> dict[str, Any]:
    return {
        "site_url": settings.SITE_URL.rstrip("/"),
        "support_email": settings.SUPPORT_EMAIL,
        "support_phone": settings.SUPPORT_PHONE,
        "language": language,
    }


def _plain(name: str, facts: Mapping[str, Any]) -> str:
    """A text template: nothing is escaped, because nothing will read it as HTML."""
    template: Any = get_template(name)
    return str(template.template.render(Context(dict(facts), autoescape=False)))


def _tidy(text: str) -> str:
    """No trailing spaces and never more than one empty line, whatever tags left behind."""
    lines: list[str] = []
    for line in (line.rstrip() for line in text.strip().splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
