"""Passwords that are known from leaks are refused, also where there is no network."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_LINE = 128


class BreachedPasswordValidator:
    """Looks a password up in a local file of SHA-1 hashes in order, one `HASH` or `HASH:COUNT` a line: the format in
    which the list of leaked passwords of haveibeenpwned.com comes, whole or in part.

    A file of any size is searched by halving, without reading it. No composition rules, as NIST SP 800-63B 3.1.1.2
    has it. Without a file nothing is refused here; Django's list of common passwords stands beside this one.
    """

    def __init__(self, file: str = "") -> None:
        self.file = Path(file) if file else None

    def validate(self, password: str, user: object = None) -> None:
        """ValidationError when the password stands in the file."""
        if self.file is not None and self.knows(password):
            raise ValidationError(
                _("This password is known from a leak of another site. Choose one you use nowhere else."),
                code="password_breached",
            )

    def knows(self, password: str) -> bool:
        """Whether the file holds the hash of `password`."""
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        if self.file is None:
            return False
        with self.file.open("rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:
                middle = (low + high) // 2
                start, found = _line_at(file, middle, low)
                if found == wanted:
                    return True
                if found < wanted:
                    file.seek(start)
                    low = start + len(file.readline())
                else:
                    high = start
        return False

    def get_help_text(self) -> str:
        return _("Not a password that is known from a leak.")


def _line_at(file: BinaryIO, position: int, low: int) -> tuple[int, bytes]:
    """Start and hash of the line that `position` lies in, no earlier than `low`."""
    begin = max(low, position - _LINE)
    file.seek(begin)
    before = file.read(position - begin)
    cut = before.rfind(b"\n")
    start = begin + cut + 1 if cut >= 0 else begin
    file.seek(start)
    return start, file.readline().strip().partition(b":")[0].upper()
