"""How a state looks in the console: one tone per value, whatever record it belongs to."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

_TONES = {
    "good": "won active approved succeeded granted sent done valid filed cert_issued accepted published available",
    "info": "in_progress enrolled ready running invited reviewing pending queued requested created under_review draft "
    "uploaded checking undoing",
    "warn": "needs_response review completed submitted returned disputed suspended expired reduced replaced "
    "checked stopped",
    "bad": "lost failed denied parked revoked refused unreachable rejected void error",
    "soft": "cancelled removed closed withdrawn refunded retired used archived undone",
}
_TONE_OF = {value: tone for tone, values in _TONES.items() for value in values.split()}


def tone_of(value: Any) -> str:
    """good, info, warn, bad or soft; unknown values are soft."""
    return _TONE_OF.get(str(value), "soft")


def tone_pill(tone: str, label: Any) -> SafeString:
    """A coloured word for any column."""
    return format_html('<span class="console-pill console-tone-{}">{}</span>', tone, label)


@display(description=_("status"), ordering="status")
def status_pill(row: Any, name: str = "status") -> SafeString:
    """A column for `list_display`: `list_display = ("name", status_pill)`."""
    return tone_pill(tone_of(getattr(row, name)), getattr(row, f"get_{name}_display")())


@display(description=_("state"), ordering="state")
def state_pill(row: Any) -> SafeString:
    """The same for rows whose column is called `state`."""
    return status_pill(row, "state")
