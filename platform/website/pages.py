"""Addresses of the public site that any template may link to by name, in the reader's language."""

from django.conf import settings
from django.urls import get_script_prefix
from django.utils.translation import get_language

PAGES = {
    "home": "",
    "providers": "providers",
    "become_provider": "become-a-provider",
    "verify": "verify/",
    "docs": "docs",
    "sign_up": "sign-up",
    "my": "my/",
}


def localized(path: str, language: str | None = None) -> str:
    """The address of `path` (no leading slash) in `language`, by default the active one.

    The default language has no prefix, every other one has its code: `/docs`, `/es/docs`.
    """
    language = language or get_language() or settings.LANGUAGE_CODE
    prefix = "" if language == settings.LANGUAGE_CODE else f"{language}/"
    return f"{get_script_prefix()}{prefix}{path}"


def page_url(name: str, language: str | None = None) -> str:
    """The address of a named page; an unknown name raises KeyError, so a broken link never renders."""
    return localized(PAGES[name], language)
