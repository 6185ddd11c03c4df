"""The base of every admin class of the console.

    @console_register(CourtFiling)
    class CourtFilingAdmin(ConsoleModelAdmin):
        list_display = ("enrollment", "status_pill", "filed_on")
        list_filter = ("status", ("provider", ScopedRelatedFilter))
        list_select_related = ("enrollment__client",)
        search_fields = ("docket_number__istartswith",)
        fields = ("provider", "enrollment", "status", "filed_on", "note")
        readonly_fields = ("enrollment", "filed_on")

        @post_action(permission="certificates.file_courtfiling", title=_("Mark as filed"), form=FiledForm)
        def mark_filed(self, request, filing, *, data):
            services.mark_filed(filing, **data)
            return _("Filed.")

What a person sees are the rows on which they hold `<app>.view_<model>`; what they may change, add or do follows from
the role table, row by row. A row out of sight answers exactly like one that does not exist. There is no deleting, and
no status in a form: a status changes through actions. Django's own log entries are not written; audit events are.
"""

from __future__ import annotations

from functools import partial, update_wrapper
from types import SimpleNamespace
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, re_path, reverse
from unfold.admin import ModelAdmin
from unfold.dataclasses import UnfoldAction

from admin_site.actions import ConsolePage, PostAction, declared
from admin_site.bulk_edit import BulkEditMixin
from admin_site.columns import ChosenColumnsMixin
from admin_site.histories import HistoryViewsMixin
from admin_site.listing import ListMixin
from admin_site.saved_views import SavedViewsMixin
from admin_site.scoping import ScopedFieldsMixin, rows_of
from admin_site.views.actions import act_on_many, act_on_row, confirm_many, version_of
from admin_site.views.why import why_link
from audit.services import record
from core.errors import DomainError
from organizations.backends import allows


class ConsoleModelAdmin(
    SavedViewsMixin, BulkEditMixin, ListMixin, ChosenColumnsMixin, HistoryViewsMixin, ScopedFieldsMixin, ModelAdmin
):
    """See the module. Declare `fields` or `fieldsets`, lists, filters, and actions with `post_action`."""

    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    compressed_fields = True
    save_on_top = False
    view_on_site = False
    change_form_template = "console/change_form.html"
    change_list_template = "console/change_list.html"
    empty_state: Any = ""
    status_field = "status"
    addable = True

    # --- who may ----------------------------------------------------------------------------------------------------
    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        """Rows on which the person holds the view permission. Overrides must start from super()."""
        rows = rows_of(self.model, request, self.permission("view"))
        ordering = self.get_ordering(request)
        return rows.order_by(*ordering) if ordering else rows

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.has_verb(request, "view", obj) or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return not self.read_only and self.has_verb(request, "change", obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.addable and not self.read_only and self.has_verb(request, "add")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Records are cancelled, closed or revoked, never deleted."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def locked_row(self, request: HttpRequest, pk: Any) -> models.Model | None:
        """The row as `get_queryset` reaches it, locked for this transaction; None when it is out of sight."""
        if self.get_object(request, str(pk)) is None:
            return None
        return rows_of(self.model, request, self.permission("view")).locked().filter(pk=pk).first()

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404

    # --- addresses --------------------------------------------------------------------------------------------------
    def address_name(self, *parts: str) -> str:
        return "_".join((self.opts.app_label, self.opts.model_name, *parts))

    def record_url(self, row: models.Model) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name('change')}", args=[quote(row.pk)])

    def list_url(self) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name('changelist')}")

    def get_urls(self) -> list[Any]:
        """History of one version, the declared pages and actions, then Django's own, but for its unnamed redirect from
        anything below the list to a record of that name."""
        own = [
            re_path(
                r"^([^/]+)/history/([^/]+)/$", self._guarded(self.history_form_view),
                name=self.address_name("simple_history"),
            )
        ]  # fmt: skip
        own.append(path("options/<str:name>/", self._guarded(self.filter_options), name=self.address_name("options")))
        own += [self._page_pattern(page) for page in self.declared_pages()]
        for action in self.declared_actions():
            own += self._action_patterns(action)
        return own + [pattern for pattern in super().get_urls() if pattern.name]

    def _guarded(self, view: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return self.admin_site.admin_view(view)(*args, **kwargs)

        wrapper.model_admin = self
        return update_wrapper(wrapper, view.func if isinstance(view, partial) else view)

    def _page_pattern(self, page: ConsolePage) -> Any:
        prefix = "<path:object_id>/" if page.detail else ""
        view = self._guarded(partial(self._show_page, page))
        return path(f"{prefix}{page.path}", view, name=self.address_name(page.name))

    def _action_patterns(self, action: PostAction) -> list[Any]:
        row_view = self._guarded(partial(act_on_row, self, action))
        bulk_view = self._guarded(partial(act_on_many, self, action))
        patterns = [path(f"<path:object_id>/do/{action.name}/", row_view, name=self.address_name("do", action.name))]
        if action.bulk:
            patterns.append(path(f"do/{action.name}/", bulk_view, name=self.address_name("bulk", action.name)))
        return patterns

    def _show_page(self, page: ConsolePage, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        if request.method not in page.methods:
            return HttpResponseNotAllowed(sorted(page.methods))
        if not self.may(request, page.permission):
            raise PermissionDenied
        method = getattr(self, page.name)
        if not page.detail:
            return method(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.may(request, page.permission, row):
            raise PermissionDenied
        return method(request, row)

    @staticmethod
    def may(request: HttpRequest, permission: str, row: models.Model | None = None) -> bool:
        """Whether the person holds `permission` on the row, or anywhere when none is given."""
        return allows(request.actor, permission, row)

    # --- actions ----------------------------------------------------------------------------------------------------
    def declared_actions(self) -> list[PostAction]:
        return declared(type(self), "console_action")

    def declared_pages(self) -> list[ConsolePage]:
        return declared(type(self), "console_page")

    def offers(self, request: HttpRequest, row: models.Model) -> list[dict[str, Any]]:
        """The actions of one record: possible ones first, then those that are not, with the reason."""
        found = []
        for action in self.declared_actions():
            if action.detail and action.is_held_somewhere(request):
                name = f"{self.admin_site.name}:{self.address_name('do', action.name)}"
                refusal = action.refusal(request, row)
                why = why_link(self, action.name, row) if refusal is not None else ""
                found.append(
                    {"action": action, "refusal": refusal, "url": reverse(name, args=[quote(row.pk)]), "why": why}
                )
        return sorted(found, key=lambda offer: offer["refusal"] is not None)

    def pages_offered(self, request: HttpRequest, row: models.Model) -> list[dict[str, Any]]:
        """The pages of one record that have a title and that this person may open."""
        return [
            {
                "page": page,
                "url": reverse(f"{self.admin_site.name}:{self.address_name(page.name)}", args=[quote(row.pk)]),
            }
            for page in self.declared_pages()
            if page.detail and page.title and self.may(request, page.permission, row)
        ]

    def get_actions_row(self, request: HttpRequest) -> list[UnfoldAction]:
        """The menu of each line: a link to the dialog, which says whether it can be done to that row."""
        return [
            UnfoldAction(
                action_name=self.address_name("do", action.name), method=SimpleNamespace(attrs={}),
                description=str(action.title), path="", icon=action.icon or None, dialog={"title": str(action.title)},
            )
            for action in self.declared_actions()
            if action.row and action.is_held_somewhere(request)
        ]  # fmt: skip

    def get_actions(self, request: HttpRequest) -> dict[str, tuple[Any, str, str]]:
        """Bulk actions of the list; running one shows its confirm page, which posts to an address of its own."""
        declared_here = {
            action.name: (_confirming(action), action.name, str(action.title).replace("%", "%%"))
            for action in self.declared_actions()
            if action.bulk and action.is_held_somewhere(request)
        }
        return self.bulk_edit_action(request) | declared_here

    # --- pages ------------------------------------------------------------------------------------------------------
    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The record page; a rule that refuses the save is shown on the page, and nothing is written."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
            return HttpResponseRedirect(request.get_full_path())

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: models.Model | None = None,
    ) -> HttpResponse:  # fmt: skip
        if obj is not None:
            context |= {"offers": self.offers(request, obj), "seen": version_of(obj), "pill": self.pill(obj)}
            context["pages"] = self.pages_offered(request, obj)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def pill(self, row: models.Model) -> str:
        """The status shown in the record's header; empty for rows without one."""
        display = getattr(row, f"get_{self.status_field}_display", None)
        return str(display()) if display else ""

    # --- writing ----------------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: models.Model, form: Any, change: bool) -> None:
        """Write only what the form changed, in the organization it belongs to, and leave evidence. PermissionDenied
        unless the person may do this to this very row."""
        self.settle_tenant(request, obj, change=change)
        verb = "change" if change else "add"
        if self.read_only or not self.has_verb(request, verb, obj):
            raise PermissionDenied
        changed = [name for name in form.changed_data if _is_column(obj, name)]
        if change and not changed:
            return
        stamps = [name for name in ("updated_at",) if _is_column(obj, name)]
        obj.save(update_fields=[*changed, *stamps] if change else None)
        record(f"{self.opts.model_name}.{verb}", obj, payload={"fields": sorted(changed)})

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        raise PermissionDenied

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        raise PermissionDenied

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> None:
        """Audit events are the record; Django's own log would be a second, weaker one."""

    log_change = log_addition
    log_deletions = log_addition


def _confirming(action: PostAction) -> Any:
    def confirm(admin: ConsoleModelAdmin, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse:
        return confirm_many(admin, action, request, queryset)

    return confirm


def _is_column(row: models.Model, name: str) -> bool:
    return any(field.name == name for field in row._meta.concrete_fields)
