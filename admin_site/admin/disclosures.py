"""The disclosures as published, and who acknowledged them. Nothing here is ever changed."""

from __future__ import annotations

from django.utils.html import format_html, format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.register import console_register
from enrollments.models import DisclosureAcknowledgement, DisclosureSet


@console_register(DisclosureSet)
class DisclosureSetAdmin(ConsoleModelAdmin):
    list_is_short = True
    list_display = ("kind", "version", "source", "effective_from")
    list_filter = ("kind",)
    search_fields = ("version__istartswith",)
    ordering = ("kind", "-effective_from")
    fields = readonly_fields = ("kind", "version", "source", "effective_from", "text")
    read_only = True
    empty_state = _("No disclosures. They are loaded from the files with manage.py load_content.")

    @display(description=_("text"))
    def text(self, disclosures):
        """The items in the reader's language, with the places a provider's profile fills."""
        language = "es" if get_language() == "es" else "en"
        rows = ((item["title"][language], item["text"][language]) for item in disclosures.items)
        return format_html(
            '<ol class="console-why">{}</ol>', format_html_join("", "<li><strong>{}</strong> {}</li>", rows)
        )


@console_register(DisclosureAcknowledgement)
class DisclosureAcknowledgementAdmin(ConsoleModelAdmin):
    list_display = ("enrollment", "disclosures", "user", "language", "acknowledged_at")
    list_filter = ("language", ("disclosures", ScopedRelatedFilter))
    list_select_related = ("enrollment__client", "disclosures", "user")
    search_through = "enrollment"
    ordering = ("-acknowledged_at", "id")
    fields = readonly_fields = (
        "enrollment", "disclosures", "user", "language", "acknowledged_at", "ip_address", "shown_sha256",
    )  # fmt: skip
    read_only = True
    empty_state = _("Nobody acknowledged disclosures yet.")
