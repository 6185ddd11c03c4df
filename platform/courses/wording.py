"""How spans of time are said to people."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def span_text(seconds: int) -> str:
    """A span in minutes and seconds, exact, the zero part left out: "59 min 59 s", "60 min", "0 min"."""
    minutes, rest = divmod(seconds, 60)
    if not rest:
        return _("%(minutes)s min") % {"minutes": minutes}
    if not minutes:
        return _("%(seconds)s s") % {"seconds": rest}
    return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}


def served_text(verified: int, required: int) -> str:
    """ "35 of 60 minutes", in full minutes served; never says 60 before the sixtieth is full."""
    return _("%(served)s of %(required)s minutes") % {"served": verified // 60, "required": required // 60}


def left_text(missing: int) -> str:
    """What is still to be served, in minutes rounded up, as a sentence."""
    if missing <= 0:
        return _("You have spent the time that is needed.")
    minutes = -(-missing // 60)
    return ngettext("%(minutes)s minute to go.", "%(minutes)s minutes to go.", minutes) % {"minutes": minutes}
