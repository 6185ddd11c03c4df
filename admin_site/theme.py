"""How the console looks: the public site's colours, and what stands around every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

# The site's own scale: paper to ink, and the accent from its softest ground to its darkest text.
_BASE = {
    "50": "#fbf8f2", "100": "#f3eee4", "200": "#e1d9ca", "300": "#cbc1af", "400": "#9a9183", "500": "#6b655b",
    "600": "#4d5855", "700": "#36413e", "800": "#29322f", "900": "#171d1c", "950": "#101413",
}  # fmt: skip
_PRIMARY = {
    "50": "#eef6f4", "100": "#e2efec", "200": "#c3e0da", "300": "#a8e0d6", "400": "#82cdc1", "500": "#5fb3a6",
    "600": "#0e5f58", "700": "#0a4843", "800": "#083d38", "900": "#06312d", "950": "#08211e",
}  # fmt: skip
_FONT = {
    "subtle-light": "var(--color-base-500)", "subtle-dark": "var(--color-base-400)",
    "default-light": "var(--color-base-600)", "default-dark": "var(--color-base-300)",
    "important-light": "var(--color-base-900)", "important-dark": "var(--color-base-100)",
}  # fmt: skip


def colors(request: HttpRequest) -> dict[str, dict[str, str]]:
    """Fresh dictionaries: unfold converts the values in place."""
    return {"base": dict(_BASE), "primary": dict(_PRIMARY), "font": dict(_FONT)}


def stylesheet(request: HttpRequest) -> str:
    return static("console/console.css")


def script(request: HttpRequest) -> str:
    return static("console/choices.js")


def favicons(request: HttpRequest) -> list[dict[str, Any]]:
    return [{"rel": "icon", "type": "image/svg+xml", "href": static("website/favicon.svg")}]


def environment(request: HttpRequest) -> list[str] | None:
    """The name of an installation that is not the real one, and how loud to say it."""
    if settings.ENVIRONMENT == "production":
        return None
    return [settings.ENVIRONMENT, "warning" if settings.ENVIRONMENT == "staging" else "info"]


def language_action(request: HttpRequest) -> str:
    return reverse("admin:set_language")


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """What a person manages about their own account."""
    return [
        {"title": _("My account"), "link": reverse("website:account")},
        {"title": _("Second step at sign-in"), "link": reverse("mfa_index")},
        {"title": _("Why can’t I?"), "link": reverse("admin:why")},
        {"title": _("My sessions"), "link": reverse("usersessions_list")},
        {"title": _("Change password"), "link": reverse("account_change_password")},
    ]
