"""What a browser says about itself, in words a person recognises."""

from __future__ import annotations

from django.utils.translation import gettext as _

# The first match wins: most browsers also name the ones they descend from.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox",
            "FxiOS": "Firefox", "CriOS": "Chrome", "Chrome": "Chrome", "Safari": "Safari"}  # fmt: skip
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "Mac",
           "CrOS": "Chromebook", "Linux": "Linux"}  # fmt: skip


def device_name(user_agent: str) -> str:
    """Browser and device of a User-Agent line: "Chrome, Windows"."""
    found = [next((name for mark, name in names.items() if mark in user_agent), "") for names in (BROWSERS, SYSTEMS)]
    return ", ".join(name for name in found if name) or _("Unknown device")
