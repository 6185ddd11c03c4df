"""The public documentation: Markdown files, one per article and language, rendered once and kept."""

from dataclasses import dataclass
from functools import cache

import markdown
import nh3
from django.template import Engine
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

TAGS = frozenset(
    "h2 h3 p ul ol li strong em a code pre blockquote table thead tbody tr th td br hr dl dt dd".split()  # noqa: SIM905 -- reads as the list it is
)
ATTRIBUTES = {"a": {"href"}, "h2": {"id"}, "h3": {"id"}}


@dataclass(frozen=True)
class Shelf:
    """A group of articles for one kind of reader, in reading order."""

    name: str
    title: str | Promise
    icon: str
    slugs: tuple[str, ...]


@dataclass(frozen=True)
class Article:
    """One article in one language; `contents` lists its sections as (anchor, title)."""

    slug: str
    title: str
    summary: str
    html: SafeString
    contents: tuple[tuple[str, str], ...]


SHELVES = (
    Shelf(
        "clients",
        _("For clients"),
        "people",
        (
            "what-to-expect",
            "time-rules",
            "fees-and-fee-waiver",
            "certificates-and-verifying",
            "your-privacy",
            "accessibility",
        ),
    ),
    Shelf(
        "providers",
        _("For providers"),
        "building",
        ("getting-approved", "roles", "importing-clients", "court-filing"),
    ),
    Shelf("firms", _("For law firms"), "document", ("sending-clients",)),
    Shelf("developers", _("For developers"), "key", ("command-line",)),
)


def shelf_of(slug: str) -> Shelf | None:
    """The shelf an article stands on, or None for a slug that is no article."""
    return next((shelf for shelf in SHELVES if slug in shelf.slugs), None)


def find_article(slug: str, language: str) -> Article | None:
    """The article in `language`; None when the slug is unknown. Every article exists in every language."""
    return _read(slug, language) if shelf_of(slug) else None


def articles_on(shelf: Shelf, language: str) -> list[Article]:
    """The articles of a shelf in reading order."""
    return [_read(slug, language) for slug in shelf.slugs]


@cache
def _read(slug: str, language: str) -> Article:
    source = Engine.get_default().get_template(f"website/docs/{slug}.{language}.md").source
    parser = markdown.Markdown(
        extensions=["meta", "tables", "fenced_code", "def_list", "toc"], extension_configs={"toc": {"toc_depth": "2-2"}}
    )
    html = nh3.clean(parser.convert(source), tags=set(TAGS), attributes=ATTRIBUTES)
    return Article(
        slug=slug,
        title=parser.Meta["title"][0],
        summary=" ".join(parser.Meta["summary"]),
        html=mark_safe(html),  # noqa: S308 -- our own files, cleaned by nh3 on the line above
        contents=tuple((entry["id"], entry["name"]) for entry in parser.toc_tokens),
    )
