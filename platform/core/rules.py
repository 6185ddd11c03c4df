"""The error that pure rules raise."""

from __future__ import annotations


class RuleError(Exception):
    """A rule refused; `code` is stable and machine-readable."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
