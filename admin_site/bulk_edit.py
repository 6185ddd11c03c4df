"""Change the same fields of many records: preview, one act, undo.

    class ClientAdmin(ConsoleModelAdmin):
        bulk_fields = ("language",)

Every row goes through its own form and `save_model`, so rules, history and evidence are those of a single change. What
is not ticked stays as it is. The preview names each row's outcome; only that outcome is written, and its maker may
take it back as long as a row still shows what was put there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.forms.models import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from admin_site.actions import dress
from core.errors import DomainError
from core.history import because
from lists.enums import RowResult
from lists.models import BulkEdit, BulkEditRow
from lists.services.bulk_edits import finish_edit, keep_row, start_edit, undo_edit

EDIT_LIMIT = 500
SHOWN_ROWS = 100
TICK = "change_"


@dataclass(frozen=True, slots=True)
class RowPlan:
    """What a change would do to one row; `before` and `after` are field values as a form sends them."""

    row: models.Model
    result: RowResult
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    shown: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""
    form: Any = None


class BulkEditMixin:
    """Part of ConsoleModelAdmin; see the module."""

    bulk_fields: tuple[str, ...] = ()

    def get_urls(self) -> list[Any]:
        if not self.bulk_fields:
            return super().get_urls()
        pages = (("bulk-edit/", "bulk_edit", self.bulk_edit_view),
                 ("bulk-edit/<uuid:edit>/", "bulk_edit_done", self.bulk_edit_done_view))  # fmt: skip
        own = [path(address, self._guarded(view), name=self.address_name(name)) for address, name, view in pages]
        return own + super().get_urls()

    def bulk_edit_action(self, request: HttpRequest) -> dict[str, Any]:
        """The entry of the list's action menu, where there are fields to change and the person may change some row."""
        if not self.bulk_fields or not self.has_change_permission(request):
            return {}
        return {"bulk_edit": (_ask, "bulk_edit", _("Change fields"))}

    # --- pages ------------------------------------------------------------------------------------------------------
    def bulk_edit_view(self, request: HttpRequest) -> HttpResponse:
        """POST only: the form, then what it would do, then the change."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        rows = self._ticked(request)
        if isinstance(rows, HttpResponse):
            return rows
        form = self._form(request, rows)
        names = [name for name in self.bulk_fields if request.POST.get(TICK + name)]
        if "preview" not in request.POST and "apply" not in request.POST:
            return self._ask_page(request, rows, form)
        if not names or not form.is_valid():
            refusal = None if names else DomainError("nothing_to_edit")
            return self._ask_page(request, rows, form, refusal)
        plans = [self._plan(request, row, names) for row in rows]
        if "apply" not in request.POST or request.POST.get("plan") != _digest(plans):
            changed = "apply" in request.POST
            return self._plan_page(request, plans, names, DomainError("changed_meanwhile") if changed else None)
        edit = self._apply(request, plans, names)
        return HttpResponseRedirect(self._done_url(edit))

    def bulk_edit_done_view(self, request: HttpRequest, edit: Any) -> HttpResponse:
        """GET: what a change did, for its maker. POST: take it back."""
        found = BulkEdit.objects.visible_to(request.actor).filter(
            pk=edit, list_name=self.opts.label_lower, made_by_id=request.actor.user_id
        )
        done = found.first()
        if done is None:
            raise Http404
        if request.method == "POST":
            return self._undo(request, done)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        rows = done.rows.all()
        context = {
            "edit": done, "refused": rows.filter(result__in=[RowResult.REFUSED, RowResult.KEPT])[:SHOWN_ROWS],
            "changed": rows.filter(result__in=[RowResult.CHANGED, RowResult.UNDONE])[:SHOWN_ROWS],
            "same": rows.filter(result=RowResult.SAME).count(), "back": self.list_url(),
            "labels": [self._label(name) for name in done.fields],
        }  # fmt: skip
        return self._edit_page(request, "console/lists/bulk_edit_done.html", context)

    # --- steps ------------------------------------------------------------------------------------------------------
    def _ticked(self, request: HttpRequest) -> list[Any] | HttpResponse:
        keys = list(dict.fromkeys(request.POST.getlist("pk")))
        if not keys or len(keys) > EDIT_LIMIT:
            code = "too_many_to_edit" if keys else "nothing_selected"
            messages.error(request, str(DomainError(code, count=len(keys), limit=EDIT_LIMIT)))
            return HttpResponseRedirect(self.list_url())
        try:
            rows = list(self.get_queryset(request).filter(pk__in=keys).order_by("pk"))
        except (ValidationError, ValueError):
            raise Http404 from None
        if not rows:
            raise Http404
        return rows

    def _form(self, request: HttpRequest, rows: Sequence[Any]) -> forms.ModelForm:
        """The record's own form, with the fields that may be changed together."""
        form_class = self.get_form(request, rows[0], change=True, fields=list(self.bulk_fields))
        sent = "preview" in request.POST or "apply" in request.POST
        form = form_class(request.POST if sent else None, initial=dict.fromkeys(self.bulk_fields))
        for name in list(form.fields):
            if name not in self.bulk_fields:
                del form.fields[name]
                continue
            form.fields[name].required = form.fields[name].required and bool(request.POST.get(TICK + name))
            dress(form.fields[name])
        return form

    def _plan(self, request: HttpRequest, row: Any, names: Sequence[str]) -> RowPlan:
        if not self.has_change_permission(request, row):
            return RowPlan(row, RowResult.REFUSED, reason=str(DomainError("permission_denied")))
        sent = {name: request.POST.get(name, "") for name in names}
        return self._judge(request, row, sent)

    def _judge(self, request: HttpRequest, row: Any, sent: dict[str, str]) -> RowPlan:
        """The row's own form with `sent`: what would change, or why it cannot."""
        before = {name: _written(row, name) for name in sent}
        labels = {name: _shown(row, name) for name in sent}
        open_here = set(self.get_form(request, row, change=True).base_fields)
        if not set(sent) <= open_here:
            return RowPlan(row, RowResult.REFUSED, before, reason=str(DomainError("action_not_now", state=str(row))))
        form = self.get_form(request, row, change=True, fields=list(sent))(sent, instance=row)
        for name in [name for name in form.fields if name not in sent]:
            del form.fields[name]
        if not form.is_valid():
            text = " ".join(str(error) for errors in form.errors.values() for error in errors)
            return RowPlan(row, RowResult.REFUSED, before, reason=text)
        after = {name: _written(form.instance, name) for name in sent}
        shown = tuple((self._label(name), labels[name], _shown(form.instance, name))
                      for name in sent if before[name] != after[name])  # fmt: skip
        return RowPlan(row, RowResult.CHANGED if shown else RowResult.SAME, before, after, shown, form=form)

    def _apply(self, request: HttpRequest, plans: Sequence[RowPlan], names: Sequence[str]) -> BulkEdit:
        with transaction.atomic():
            edit = start_edit(request.actor, list_name=self.opts.label_lower, fields=names)
            with because(f"bulk edit {edit.pk}"):
                for plan in plans:
                    refusal = self._write(request, plan) if plan.result == RowResult.CHANGED else None
                    keep_row(
                        edit, target_id=str(plan.row.pk), label=str(plan.row), before=plan.before, after=plan.after,
                        result=RowResult.REFUSED if refusal else plan.result,
                        reason=str(refusal or plan.reason),
                    )  # fmt: skip
            return finish_edit(edit)

    def _write(self, request: HttpRequest, plan: RowPlan) -> DomainError | None:
        """Lock the row, make sure that it still is as judged, save it as a single change would be."""
        try:
            with transaction.atomic():
                locked = self.locked_row(request, plan.row.pk)
                if locked is None or any(_written(locked, name) != old for name, old in plan.before.items()):
                    return DomainError("changed_meanwhile")
                again = self._judge(request, locked, plan.after)
                if again.form is None:
                    return DomainError("changed_meanwhile")
                self.save_model(request, again.form.instance, again.form, True)
        except DomainError as refusal:
            return refusal
        except PermissionDenied:
            return DomainError("permission_denied")
        return None

    def _undo(self, request: HttpRequest, edit: BulkEdit) -> HttpResponse:
        def restore(row: BulkEditRow) -> DomainError | None:
            locked = self.get_queryset(request).filter(pk=row.target_id).first()
            if locked is None:
                return DomainError("not_found")
            return self._write(request, RowPlan(locked, RowResult.CHANGED, before=row.after, after=row.before))

        try:
            with transaction.atomic(), because(f"bulk edit {edit.pk} undone"):
                counts = undo_edit(request.actor, edit, restore)
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
        else:
            said = ngettext("%(count)s record is as it was.", "%(count)s records are as they were.", counts["undone"])
            messages.success(request, said % {"count": counts["undone"]})
        return HttpResponseRedirect(self._done_url(edit))

    # --- looks ------------------------------------------------------------------------------------------------------
    def _ask_page(self, request: HttpRequest, rows: Sequence[Any], form: Any, refusal: Any = None) -> HttpResponse:
        lines = [
            {"name": TICK + name, "label": self._label(name), "bound": form[name],
             "ticked": bool(request.POST.get(TICK + name))}
            for name in self.bulk_fields if name in form.fields
        ]  # fmt: skip
        context = {"rows": rows, "lines": lines, "refusal": refusal, "back": self.list_url()}
        return self._edit_page(request, "console/lists/bulk_edit.html", context)

    def _plan_page(self, request: HttpRequest, plans: Sequence[RowPlan], names: Sequence[str], refusal: Any) -> Any:
        by = {result: [plan for plan in plans if plan.result == result] for result in RowResult}
        context = {
            "plans": plans, "changed": by[RowResult.CHANGED], "shown": by[RowResult.CHANGED][:SHOWN_ROWS],
            "same": by[RowResult.SAME], "refused": by[RowResult.REFUSED], "digest": _digest(plans),
            "sent": [(TICK + name, "on") for name in names] + [(n, request.POST.get(n, "")) for n in names],
            "refusal": refusal, "back": self.list_url(),
        }  # fmt: skip
        return self._edit_page(request, "console/lists/bulk_edit_plan.html", context)

    def _edit_page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        request.current_app = self.admin_site.name
        own = {"title": _("Change fields"), "opts": self.opts, "model_admin": self, "address": self._edit_url()}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **own, **context})

    def _label(self, name: str) -> str:
        return capfirst(str(self.opts.get_field(name).verbose_name))

    def _edit_url(self) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name('bulk_edit')}")

    def _done_url(self, edit: BulkEdit) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name('bulk_edit_done')}", args=[edit.pk])


def _ask(admin: Any, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse:
    """From the list: the form for the ticked rows, or for all that match."""
    rows = list(queryset.order_by("pk")[: EDIT_LIMIT + 1])
    if len(rows) > EDIT_LIMIT:
        messages.error(request, str(DomainError("too_many_to_edit", count=queryset.count(), limit=EDIT_LIMIT)))
        return HttpResponseRedirect(request.get_full_path())
    return admin._ask_page(request, rows, admin._form(request, rows))  # noqa: SLF001 -- the mixin's own page


def _written(row: models.Model, name: str) -> str:
    """A field's value as a form sends it: ids for relations, ISO days, an empty string for nothing."""
    column = row._meta.get_field(name)
    value = model_to_dict(row, fields=[name])[name]
    return "" if value is None else str(column.value_to_string(row))


def _shown(row: models.Model, name: str) -> str:
    display = getattr(row, f"get_{name}_display", None)
    value = display() if display else getattr(row, name)
    return "–" if value in (None, "") else str(value)


def _digest(plans: Sequence[RowPlan]) -> str:
    """A mark of the previewed outcome: another one means that records changed since."""
    facts = [(str(plan.row.pk), plan.result, plan.before, plan.after) for plan in plans]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
