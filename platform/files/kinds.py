"""Which kinds of files are kept, and how their first bytes must look."""

from __future__ import annotations

_ZIP = b"PK\x03\x04"

# Content type -> the bytes it starts with; empty where text may start with anything.
ALLOWED = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _ZIP,
    "application/zip": _ZIP,
    "text/csv": b"",
    "text/plain": b"",
    "application/json": b"",
}


def is_allowed(content_type: str, content: bytes) -> bool:
    """Whether the kind is on the list and the content looks like it; text must be UTF-8 without NUL."""
    start = ALLOWED.get(content_type)
    if start is None or not content.startswith(start):
        return False
    return bool(start) or _is_text(content)


def _is_text(content: bytes) -> bool:
    try:
        return "\x00" not in content.decode()
    except UnicodeDecodeError:
        return False
