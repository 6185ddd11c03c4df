"""Lessons as safe HTML."""

from __future__ import annotations

from functools import lru_cache

import markdown
import nh3
from django.utils.safestring import SafeString, mark_safe

from courses.models import Lesson

_TAGS = frozenset({"h2", "h3", "p", "ul", "ol", "li", "strong", "em", "blockquote", "br"})


def lesson_html(lesson: Lesson) -> SafeString:
    """The lesson's text in the reader's language. Rendered once per text: an edited text is another text."""
    return _render(lesson.body)


@lru_cache(maxsize=512)
def _render(text: str) -> SafeString:
    html = nh3.clean(markdown.markdown(text, extensions=["sane_lists"]), tags=set(_TAGS), attributes={})
    return mark_safe(html)  # noqa: S308 -- cleaned by nh3 on the line above
