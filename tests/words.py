"""Whether a word stands in what somebody was sent, however it was wrapped."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterable, Iterator
from functools import cache

from pypdf import PdfReader


def stands_in(word: str, *parts: bytes) -> bool:
    """Whether `word` (ten letters at least) stands in one of the parts: as it is, in base64, inside of a spreadsheet
    or another archive, in the text of a PDF."""
    return word in standing([word], *parts)


def standing(words: Iterable[str], *parts: bytes) -> set[str]:
    """Those of `words` that stand in one of the parts."""
    texts = [text for part in parts for text in _unwrapped(part)]
    return {word for word in words if any(form in text for form in _forms(word) for text in texts)}


@cache
def _forms(word: str) -> tuple[bytes, ...]:
    """The word, and what all of it but its ends becomes in base64 at each of the three places it may begin at."""
    shifted = (base64.b64encode(b"x" * shift + word.encode()) for shift in range(3))
    return (word.encode(), *(text[4 : 4 + 9] for text in shifted))


def _unwrapped(part: bytes) -> Iterator[bytes]:
    yield part
    if part[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(part)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if part[:5] == b"%PDF-":
        pages = PdfReader(io.BytesIO(part)).pages
        yield from (page.extract_text().encode() for page in pages)
