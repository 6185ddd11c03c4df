"""What the console's templates need beside unfold's tags."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.apps import apps
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from admin_site.pills import tone_of, tone_pill
from core import clock
from jobs.vitality import Vitality
from resources.verdicts import CREATE, ERROR, SKIP, UPDATE

register = template.Library()

# Days after which waiting work stands out.
_LONG = 3

_OUTCOMES = {
    CREATE: ("good", _("New")),
    UPDATE: ("info", _("Changed")),
    SKIP: ("soft", _("Unchanged")),
    ERROR: ("bad", _("Refused")),
}


@register.filter
def admin_address(opts: Any, name: str) -> str:
    """The name of an address of a model's admin: `{% url opts|admin_address:'history' row.pk %}`."""
    return f"admin:{opts.app_label}_{opts.model_name}_{name}"


@register.simple_tag
def blocked_offers(offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The actions that are not possible now."""
    return [offer for offer in offers if offer["refusal"] is not None]


@register.simple_tag
def pill(row: models.Model, name: str = "status") -> SafeString:
    """The status of a row as a coloured word; nothing for rows without one."""
    display = getattr(row, f"get_{name}_display", None)
    if display is None:
        return SafeString("")
    return tone_pill(tone_of(getattr(row, name)), display())


@register.simple_tag
def tone_word(tone: str, label: Any) -> SafeString:
    """A word in one of the tones: good, info, warn, bad, soft."""
    return tone_pill(tone, label)


@register.simple_tag
def outcome_pill(kind: str) -> SafeString:
    """What becomes of one row of an import, as a coloured word."""
    return tone_pill(*_OUTCOMES[kind])


@register.simple_tag
def outcome_tone(kind: str) -> str:
    """The class that colours a count of rows with this outcome."""
    return f"console-tone-{_OUTCOMES[kind][0]}"


@register.simple_tag
def age(moment: dt.datetime | dt.date | None, is_deadline: bool = False) -> SafeString:
    """How long a row waits, or when it is due; late ones stand out."""
    if moment is None:
        return SafeString("")
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    days = (clock.today() - day).days
    if not is_deadline:
        text = _("today") if days <= 0 else ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
        late = days >= _LONG
    elif days > 0:
        text, late = ngettext("%(n)s day late", "%(n)s days late", days) % {"n": days}, True
    elif days == 0:
        text, late = _("due today"), True
    else:
        text, late = ngettext("in %(n)s day", "in %(n)s days", -days) % {"n": -days}, False
    tone = "bad" if late else "soft"
    return format_html('<time class="console-age console-tone-{}" datetime="{}">{}</time>', tone, day.isoformat(), text)


_LEVELS = {
    "good": ("good", _("Good")),
    "info": ("info", _("Note")),
    "warning": ("warn", _("Failed attempt")),
    "error": ("bad", _("Error")),
}
_WRITES = {"add": ("good", _("New")), "change": ("info", _("Changed")), "delete": ("bad", _("Deleted"))}
_VITALS = {Vitality.NEW: "soft", Vitality.OK: "good", Vitality.LATE: "warn", Vitality.DOWN: "bad"}


@register.simple_tag
def level_pill(level: str) -> SafeString:
    """How serious a line of a log is."""
    return tone_pill(*_LEVELS.get(level, _LEVELS["info"]))


@register.simple_tag
def write_pill(act: str) -> SafeString:
    """What would become of a row."""
    return tone_pill(*_WRITES[act])


@register.simple_tag
def vital_pill(state: Vitality) -> SafeString:
    """How something regular stands."""
    return tone_pill(_VITALS[state], state.label)


@register.simple_tag
def span(length: dt.timedelta | None) -> str:
    """A length of time in its one or two largest units; a dash for none."""
    if length is None:
        return "–"
    seconds = length.total_seconds()
    if seconds < 60:
        return _("%(n)s s") % {"n": f"{max(seconds, 0):.3g}"}
    minutes, hours = divmod(round(seconds / 60), 60)[::-1]
    if not hours:
        return _("%(n)s min") % {"n": minutes}
    return _("%(hours)s h") % {"hours": hours} + (" " + _("%(n)s min") % {"n": minutes} if minutes else "")


@register.filter
def record_name(table: str) -> str:
    """What people call the rows of a table."""
    model = next((each for each in apps.get_models() if each._meta.db_table == table), None)
    return str(model._meta.verbose_name) if model is not None else table
