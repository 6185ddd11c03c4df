"""The federal judicial districts: reference data."""

from __future__ import annotations

from django.contrib.admin import SimpleListFilter
from django.utils.translation import gettext_lazy as _

from admin_site.base import ConsoleModelAdmin
from admin_site.register import console_register
from providers.districts import all_districts
from providers.models import District


class OversightFilter(SimpleListFilter):
    """Who approves providers in a district."""

    title = _("oversight")
    parameter_name = "oversight"

    def lookups(self, request, model_admin):
        return [("UST", _("United States Trustee")), ("BA", _("Bankruptcy Administrator"))]

    def queryset(self, request, queryset):
        return queryset.filter(oversight=self.value()) if self.value() else queryset


class StateFilter(SimpleListFilter):
    """The state or territory, from the reference data."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return [(state, state) for state in sorted({district.usps for district in all_districts().values()})]

    def queryset(self, request, queryset):
        return queryset.filter(state=self.value()) if self.value() else queryset


@console_register(District)
class DistrictAdmin(ConsoleModelAdmin):
    list_is_short = True
    list_display = ("court_id", "name", "state", "certificate_code", "oversight", "ust_region", "time_zone")
    list_filter = (OversightFilter, StateFilter)
    search_fields = ("court_id__istartswith", "name__istartswith", "state__iexact")
    ordering = ("state", "name")
    fields = readonly_fields = (
        "court_id", "name", "state", "certificate_code", "circuit", "oversight", "ust_region", "time_zone",
    )  # fmt: skip
    read_only = True
