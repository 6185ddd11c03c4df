"""The start refuses an admin class that is less than the console's base."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from import_export.resources import ModelResource
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action

from admin_site.actions import post_action
from admin_site.base import ConsoleModelAdmin
from admin_site.checks import check_console, problems_of
from admin_site.exchange import ConsoleImportExport
from admin_site.lists import ScopedRelatedFilter
from admin_site.register import console_register
from admin_site.site import ConsoleSite
from jobs.models import Job
from resources.base import ConsoleResource


class Sound(ConsoleModelAdmin):
    fields = ("kind",)
    list_filter = ("state", ("organization", ScopedRelatedFilter))

    @post_action(permission="jobs.rerun_job", title="Run again")
    def rerun(self, request, job):
        return None


class PlainAdmin(ModelAdmin):
    fields = ("kind",)


class PackageAction(Sound):
    actions_detail = ("approve",)

    @action(permissions=["change"])
    def approve(self, request, object_id):
        return None


class DjangoAction(Sound):
    actions = ("approve",)

    @admin.action(permissions=["change"])
    def approve(self, request, queryset):
        return None


class NoPermission(Sound):
    @post_action(permission="", title="Do it")
    def do_it(self, request, job):
        return None


class OwnAddresses(Sound):
    def get_urls(self):
        return super().get_urls()


class EveryField(ConsoleModelAdmin):
    list_filter = ("state",)


class BareRelationFilter(Sound):
    list_filter = ("organization",)


class LongFilter(Sound):
    list_filter = (("organization__name", admin.AllValuesFieldListFilter), "organization")


class EditableList(Sound):
    list_display = ("kind", "state")
    list_editable = ("state",)


class OpenInline(TabularInline):
    model = Job


class WithOpenInline(Sound):
    inlines = (OpenInline,)


class PackageResource(ModelResource):
    class Meta:
        model = Job


class WithPackageResource(ConsoleImportExport, Sound):
    resource_class = PackageResource


class EmptyResource(ConsoleResource):
    name = "jobs"
    model = Job


class WithEmptyResource(ConsoleImportExport, Sound):
    resource_class = EmptyResource


@pytest.mark.parametrize(
    ("admin_class", "codes"),
    [
        (Sound, set()),
        (PlainAdmin, {"console.E101"}),
        (PackageAction, {"console.E102"}),
        (DjangoAction, {"console.E102"}),
        (NoPermission, {"console.E103"}),
        (OwnAddresses, {"console.E104"}),
        (EveryField, {"console.E105"}),
        (EditableList, {"console.E105"}),
        (WithOpenInline, {"console.E106"}),
        (BareRelationFilter, {"console.E107"}),
        (LongFilter, {"console.E107"}),
        (WithPackageResource, {"console.E108"}),
        (WithEmptyResource, {"console.E108"}),
    ],
)
def test_each_rule_names_its_breach(admin_class: type, codes: set[str]) -> None:
    site = ConsoleSite(name="admin")
    assert {problem.id for problem in problems_of(admin_class(Job, site))} == codes


def test_the_console_as_it_is_has_no_problem() -> None:
    assert check_console(None) == []


def test_registering_a_plain_class_is_refused_at_once() -> None:
    with pytest.raises(ImproperlyConfigured):
        console_register(Job)(PlainAdmin)
