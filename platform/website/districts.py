"""Court districts as people look for them: by state."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from providers.districts import District, all_districts

_SIDES = {
    "C.D.": _("%(place)s, Central District"),
    "E.D.": _("%(place)s, Eastern District"),
    "M.D.": _("%(place)s, Middle District"),
    "N.D.": _("%(place)s, Northern District"),
    "S.D.": _("%(place)s, Southern District"),
    "W.D.": _("%(place)s, Western District"),
}


def district_label(district: District) -> str:
    """`California, Central District` for `C.D. California`."""
    mark, _space, place = district.name.partition(" ")
    pattern = _SIDES.get(mark)
    if pattern is None:
        return place if mark == "D." else district.name
    return str(pattern) % {"place": place}


def district_choices(court_ids: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """(court id, label) by label, of the courts named or of all."""
    every = all_districts()
    chosen = every.values() if court_ids is None else (every[court_id] for court_id in set(court_ids))
    return sorted(((district.court_id, district_label(district)) for district in chosen), key=lambda pair: pair[1])
