"""Private files. The content is reached through a short link bound to the person who asked."""

from __future__ import annotations

from django.http import HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from admin_site.actions import console_view
from admin_site.base import ConsoleModelAdmin
from admin_site.lists import ScopedRelatedFilter
from admin_site.register import console_register
from files.links import signed_link
from files.models import StoredFile


@console_register(StoredFile)
class StoredFileAdmin(ConsoleModelAdmin):
    list_display = ("name", "kind", "content_type", "bytes_shown", "organization", "created_at")
    list_filter = (("organization", ScopedRelatedFilter),)
    list_select_related = ("organization",)
    search_fields = ("name__istartswith", "kind__exact", "sha256__exact")
    ordering = ("-created_at", "id")
    fields = (
        "name", "kind", "organization", "released_to", "person", "content_type", "bytes_shown", "sha256",
        "created_at", "expires_at",
    )  # fmt: skip
    read_only = True
    empty_state = _("No file is kept yet.")

    @display(description=_("size"), ordering="size")
    def bytes_shown(self, file):
        return filesizeformat(file.size)

    @console_view("open/", permission="files.view_storedfile", title=_("Open the file"), icon="download")
    def open(self, request, file):
        return HttpResponseRedirect(signed_link(file, request.user))
