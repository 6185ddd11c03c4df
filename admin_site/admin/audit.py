"""Evidence: read, never written from here."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.pills import tone_pill
from admin_site.register import console_register
from audit.models import AuditEvent, Level, SystemEvent

_TONES = {Level.INFO: "soft", Level.WARNING: "warn", Level.ERROR: "bad"}


@console_register(AuditEvent)
class AuditEventAdmin(ConsoleModelAdmin):
    list_display = ("at", "act", "actor_label", "target_type", "reason", "seq")
    list_filter = (("organization", ScopedRelatedFilter),)
    search_fields = ("act__istartswith", "actor_label__istartswith", "target_id__exact", "correlation_id__exact")
    ordering = ("-id",)
    fields = (
        "organization", "seq", "at", "act", "actor_label", "target_type", "target_id", "reason", "payload",
        "correlation_id", "prev_hash", "hash",
    )  # fmt: skip
    read_only = True
    empty_state = _("Nothing is on the record yet. Every change people make appears here.")


@console_register(SystemEvent)
class SystemEventAdmin(ConsoleModelAdmin):
    list_display = ("at", "level_pill", "source", "summary", "actor_label")
    list_filter = ("level",)
    search_fields = ("source__istartswith", "correlation_id__exact")
    ordering = ("-at", "id")
    fields = ("at", "level", "source", "summary", "detail", "actor_label", "correlation_id")
    read_only = True
    empty_state = _("No technical event is kept.")

    @display(description=_("level"), ordering="level")
    def level_pill(self, event):
        return tone_pill(_TONES[event.level], event.get_level_display())
