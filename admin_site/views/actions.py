"""The pages behind `post_action`: confirm, act, and the same for many rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from admin_site.actions import BULK_LIMIT, PostAction
from admin_site.views.why import why_link
from core.errors import DomainError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row of a bulk action."""

    label: str
    url: str
    sentence: str
    refusal: DomainError | None = None


def act_on_row(admin: Any, action: PostAction, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET: what would happen. POST: do it to the one row. A row out of sight is 404, like one that does not exist."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if not action.is_here:
        raise Http404
    if not action.is_held_somewhere(request):
        raise PermissionDenied
    row = admin.get_object(request, unquote(object_id))
    if row is None:
        raise Http404
    refusal = action.refusal(request, row)
    if refusal is not None and refusal.code == "permission_denied":
        raise PermissionDenied
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = action.form_class()(*sent, request=request, row=row, initial={"seen": version_of(row)})
    if request.method == "POST" and form.is_valid():
        _do(admin, action, request, row, form.cleaned_data)
        return HttpResponseRedirect(_record_address(admin, request, row))
    context = {
        "action": action,
        "form": form,
        "row": row,
        "refusal": refusal,
        "why": why_link(admin, action.name, row),
        "back": admin.record_url(row),
        "object": row,
    }
    return _page(admin, request, "console/action.html", str(action.title), context)


def _do(admin: Any, action: PostAction, request: HttpRequest, row: models.Model, cleaned: dict[str, Any]) -> None:
    try:
        sentence = run_locked(admin, action, request, row.pk, cleaned)
    except DomainError as refusal:
        messages.error(request, f"{refusal} [{refusal.code}]")
    else:
        messages.success(request, str(sentence))


def run_locked(admin: Any, action: PostAction, request: HttpRequest, pk: Any, cleaned: dict[str, Any]) -> Any:
    """Lock the row, ask again whether this may be done, do it; a refusal undoes everything of this row.

    Raises the DomainError of the refusal, Http404 when the row is out of sight.
    """
    with transaction.atomic():
        row = admin.locked_row(request, pk) if action.lock else admin.get_object(request, str(pk))
        if row is None:
            raise Http404
        if cleaned.get("seen") and cleaned["seen"] != version_of(row):
            raise DomainError("changed_meanwhile")
        refusal = action.refusal(request, row)
        if refusal is not None:
            raise refusal
        return action.run(admin, request, row, cleaned)


def confirm_many(admin: Any, action: PostAction, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse:
    """The page that names every ticked row, whether it can be done to it, and the button that does it."""
    rows = list(queryset[: BULK_LIMIT + 1])
    if len(rows) > BULK_LIMIT:
        refusal = DomainError("too_many_selected", count=queryset.count(), limit=BULK_LIMIT)
        messages.error(request, str(refusal))
        return HttpResponseRedirect(request.get_full_path())
    form = action.form_class()(request=request)
    return _bulk_page(admin, action, request, rows, form)


def act_on_many(admin: Any, action: PostAction, request: HttpRequest) -> HttpResponse:
    """POST only: do it to each row in a savepoint of its own. Rows out of sight count as absent; one that was saved
    since the confirm page was shown is left alone."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not action.is_here:
        raise Http404
    if not action.is_held_somewhere(request):
        raise PermissionDenied
    keys = list(dict.fromkeys(request.POST.getlist("pk")))[: BULK_LIMIT + 1]
    if not keys or len(keys) > BULK_LIMIT:
        code = "too_many_selected" if keys else "nothing_selected"
        messages.error(request, str(DomainError(code, count=len(keys), limit=BULK_LIMIT)))
        return HttpResponseRedirect(admin.list_url())
    try:
        rows = list(admin.get_queryset(request).filter(pk__in=keys).order_by("pk"))
    except (ValidationError, ValueError):
        raise Http404 from None
    form = action.form_class()(request.POST, request=request)
    if not form.is_valid():
        return _bulk_page(admin, action, request, rows, form)
    outcomes = [
        _outcome(admin, action, request, row, form.cleaned_data | {"seen": request.POST.get(f"seen-{row.pk}", "")})
        for row in rows
    ]
    done = [outcome for outcome in outcomes if outcome.refusal is None]
    context = {"action": action, "done": done, "left": [o for o in outcomes if o.refusal], "back": admin.list_url()}
    return _page(admin, request, "console/bulk_result.html", str(action.title), context)


def _outcome(
    admin: Any, action: PostAction, request: HttpRequest, row: models.Model, cleaned: dict[str, Any]
) -> Outcome:
    try:
        sentence = str(run_locked(admin, action, request, row.pk, cleaned))
    except DomainError as refusal:
        return Outcome(str(row), admin.record_url(row), str(refusal), refusal)
    except Http404:
        gone = DomainError("not_found")
        return Outcome(str(row), admin.list_url(), str(gone), gone)
    return Outcome(str(row), admin.record_url(row), sentence)


def _bulk_page(admin: Any, action: PostAction, request: HttpRequest, rows: list[Any], form: Any) -> HttpResponse:
    lines = [(row, action.refusal(request, row)) for row in rows]
    context = {
        "action": action,
        "form": form,
        "possible": [(row, version_of(row)) for row, refusal in lines if refusal is None],
        "impossible": [(row, refusal, why_link(admin, action.name, row)) for row, refusal in lines if refusal],
        "address": reverse(f"{admin.admin_site.name}:{admin.address_name('bulk', action.name)}"),
        "back": admin.list_url(),
    }
    return _page(admin, request, "console/bulk_confirm.html", str(action.title), context)


def version_of(row: models.Model) -> str:
    """A mark that changes when the row is saved; empty for rows without a time of change."""
    changed = getattr(row, "updated_at", None)
    return changed.isoformat() if changed else ""


def _record_address(admin: Any, request: HttpRequest, row: models.Model) -> str:
    still_there = admin.get_queryset(request).filter(pk=row.pk).exists()
    return admin.record_url(row) if still_there else admin.list_url()


def _page(admin: Any, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    request.current_app = admin.admin_site.name
    everywhere = admin.admin_site.each_context(request)
    own = {"title": title or _("Confirm"), "opts": admin.opts, "model_admin": admin}
    return TemplateResponse(request, template, {**everywhere, **own, **context})
