"""Template tags of the public site: icons, links by page name, and the same page in another language."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.urls import translate_url
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info

from website.icons import ICONS
from website.pages import localized, page_url

register = template.Library()


@dataclass(frozen=True)
class LanguageLink:
    """One language of the site: its code, its own name for itself and where this page is in it."""

    code: str
    name: str
    url: str
    is_current: bool


@register.simple_tag
def icon(name: str) -> SafeString:
    """An inline line icon that screen readers skip: the words beside it must say the same."""
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false"><path d="{}"/></svg>',
        ICONS[name],
    )


@register.simple_tag
def tone_icon(tone: str, default: str) -> str:
    """The icon that says a tone without colour; `default` for no tone or an unknown one."""
    return {"success": "check", "warn": "alert", "error": "cross", "info": "info"}.get(tone, default)


@register.simple_tag
def field_anchor(field: BoundField) -> str:
    """The id an error link jumps to: the field itself, or the first choice of a group."""
    return f"{field.auto_id}_0" if field.use_fieldset else field.id_for_label


@register.simple_tag
def page(name: str) -> str:
    """The address of a named page in the active language."""
    return page_url(name)


def _address_in(path: str, language: str) -> str:
    """`path` in `language`; a path that has no version in it (a missing page, a machine address) leads home."""
    if language == get_language():
        return path
    translated = translate_url(path, language)
    return translated if translated != path else localized("", language)


@register.simple_tag(takes_context=True)
def language_links(context: dict[str, Any]) -> list[LanguageLink]:
    """Every language of the site with the address of the current page in it, query string kept."""
    request = context.get("request")
    here = request.get_full_path() if request else localized("")
    return [
        LanguageLink(
            code=code,
            name=get_language_info(code)["name_local"].capitalize(),
            url=_address_in(here, code),
            is_current=code == get_language(),
        )
        for code, _name in settings.LANGUAGES
    ]


@register.simple_tag(takes_context=True)
def alternates(context: dict[str, Any]) -> list[tuple[str, str]]:
    """(hreflang, absolute address) of this page in every language; nothing for a page without an address."""
    request = context.get("request")
    if request is None or request.resolver_match is None:
        return []
    links = [(code, request.build_absolute_uri(_address_in(request.path, code))) for code, _n in settings.LANGUAGES]
    return [*links, ("x-default", dict(links)[settings.LANGUAGE_CODE])]


@register.simple_tag(takes_context=True)
def is_here(context: dict[str, Any], name: str) -> str:
    """The value for `aria-current`: "page" on the named page, "true" on a page below it, else empty."""
    request = context.get("request")
    if request is None:
        return ""
    target = page_url(name)
    if request.path == target:
        return "page"
    return "true" if request.path.startswith(target.rstrip("/") + "/") else ""
