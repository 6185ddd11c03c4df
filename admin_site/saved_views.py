"""Saved views above a list: tabs, the dialog that keeps one, and what can be done with it.

A view is the query string of the list's address. `?view=` opens the list as the product made it, although a default
view would open otherwise.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.http.request import QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.enums import PlatformRole
from admin_site.actions import dress
from admin_site.columns import LOOKS, PLAIN, is_compact
from core.errors import DomainError
from lists.enums import Audience
from lists.models import SavedView
from lists.queries import default_of, views_of
from lists.services.saved_views import (
    PLACE_PARAMETERS,
    clean_query,
    drop_view,
    open_with,
    replace_query,
    save_view,
    stop_opening_with,
)
from organizations.actors import narrow
from organizations.backends import allows
from organizations.enums import Role
from organizations.models import Organization

SHARE = "lists.share_savedview"


class ViewForm(forms.Form):
    """How a view is called, and for whom it is."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    audience = forms.ChoiceField(label=gettext_lazy("For"), choices=Audience, initial=Audience.PRIVATE)
    organization = forms.ModelChoiceField(
        Organization.objects.none(), label=gettext_lazy("Organization"), required=False
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), required=False)
    is_default = forms.BooleanField(label=gettext_lazy("Open the list with this view"), required=False)
    query = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        actor = request.actor
        holder = narrow(actor, SHARE)
        homes = Organization.objects.visible_to(actor).filter(pk__in=holder.memberships)
        self.fields["organization"].queryset = homes
        known = PlatformRole.choices if actor.platform_role else Role.choices
        self.fields["role"].choices = [("", "–"), *known]
        if not allows(actor, SHARE):
            for name in ("audience", "organization", "role"):
                del self.fields[name]
        elif actor.platform_role and not homes.exists():
            del self.fields["organization"]
        for bound in self.fields.values():
            dress(bound)


class SavedViewsMixin:
    """Part of ConsoleModelAdmin; see the module."""

    def get_urls(self) -> list[Any]:
        pages = (("views/save/", "view_save", self.view_save), ("views/counts/", "view_counts", self.view_counts),
                 ("views/<uuid:view>/", "view_change", self.view_change))  # fmt: skip
        own = [path(address, self._guarded(page), name=self.address_name(name)) for address, name, page in pages]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list with its tabs; opened without a word it takes the person's default view."""
        views = list(views_of(request.actor, self.opts.label_lower)) if self.has_view_permission(request) else []
        if request.method == "GET" and not request.GET:
            default = default_of(views)
            if default is not None and default.query:
                return HttpResponseRedirect(f"{request.path}?{default.query}")
        here = _marks(request.META.get("QUERY_STRING", ""))
        tabs = [{"view": view, "here": _marks(view.query) == here, "url": f"?{view.query or PLAIN + '='}"}
                for view in views]  # fmt: skip
        context = {
            "view_tabs": tabs, "view_here": next((tab["view"] for tab in tabs if tab["here"]), None),
            "view_plain": not here, "view_plain_url": f"?{PLAIN}=",
            "view_save_url": f"{self._views_url('view_save')}?{request.GET.urlencode()}",
            "view_counts_url": self._views_url("view_counts") if tabs else "", "view_query": request.GET.urlencode(),
            "column_choices": self.column_choices(request), "compact": is_compact(request),
            "kept_parameters": [(name, value) for name, values in request.GET.lists() for value in values
                                if name not in LOOKS | PLACE_PARAMETERS],
        }  # fmt: skip
        here_view = context["view_here"]
        if here_view is not None:
            context["view_here_mine"] = may_change(request, here_view)
            context["view_here_url"] = self._views_url("view_change", here_view.pk)
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- pages ------------------------------------------------------------------------------------------------------
    def view_save(self, request: HttpRequest) -> HttpResponse:
        """GET asks for a name and for whom; POST keeps the view."""
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        self._only_viewers(request)
        sent = request.POST if request.method == "POST" else None
        form = ViewForm(sent, request=request, initial={"query": clean_query(request.META.get("QUERY_STRING", ""))})
        if request.method == "POST" and form.is_valid():
            home = form.cleaned_data.pop("organization", None)
            try:
                view = save_view(
                    request.actor, list_name=self.opts.label_lower, organization=home.pk if home else None,
                    **form.cleaned_data,
                )  # fmt: skip
            except DomainError as refusal:
                form.add_error(None, f"{refusal} [{refusal.code}]")
            else:
                messages.success(request, _("The view is kept."))
                return HttpResponseRedirect(self._list_with(view.query))
        back = self._list_with(form["query"].value() or "")
        context = {"form": form, "title": _("Keep this view"), "opts": self.opts, "back": back, "address": request.path}
        request.current_app = self.admin_site.name
        every = self.admin_site.each_context(request)
        return TemplateResponse(request, "console/lists/view_save.html", {**every, **context})

    def view_change(self, request: HttpRequest, view: UUID) -> HttpResponse:
        """POST only: `drop`, `open_with`, `stop` or `replace` a view that is one's own, or shared and one may share."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._only_viewers(request)
        found = views_of(request.actor, self.opts.label_lower).filter(pk=view).first()
        if found is None:
            raise Http404
        if not may_change(request, found):
            raise PermissionDenied
        query = request.POST.get("query", "")
        try:
            _change(found, request.POST.get("act", ""), query)
        except DomainError as refusal:
            messages.error(request, f"{refusal} [{refusal.code}]")
        else:
            messages.success(request, _("Done."))
        return HttpResponseRedirect(self._list_with(query))

    def view_counts(self, request: HttpRequest) -> HttpResponse:
        """How many rows each view has now, for its tab, counted no further than the list counts."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        self._only_viewers(request)
        request.only_counted = True
        counts = {str(view.pk): self._count(request, view) for view in views_of(request.actor, self.opts.label_lower)}
        return JsonResponse(counts, headers={"Cache-Control": "no-store"})

    # --- steps ------------------------------------------------------------------------------------------------------
    def _count(self, request: HttpRequest, view: SavedView) -> str:
        asked = request.GET
        request.GET = QueryDict(view.query)
        try:
            return str(self.get_changelist_instance(request).count)
        except IncorrectLookupParameters:
            return ""
        finally:
            request.GET = asked

    def _only_viewers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _views_url(self, page: str, *arguments: Any) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name(page)}", args=arguments)

    def _list_with(self, query: str) -> str:
        kept = clean_query(query) if len(query) <= 4000 else ""
        return f"{self.list_url()}?{kept or PLAIN + '='}"


def may_change(request: HttpRequest, view: SavedView) -> bool:
    """The person's own view, or a shared one where the person may share."""
    if view.owner_id == request.actor.user_id:
        return True
    return view.audience != Audience.PRIVATE and allows(request.actor, SHARE, view)


def _change(view: SavedView, act: str, query: str) -> None:
    if act == "drop":
        drop_view(view)
    elif act == "open_with":
        open_with(view)
    elif act == "stop":
        stop_opening_with(view)
    elif act == "replace":
        replace_query(view, query)
    else:
        raise DomainError("not_found")


def _marks(query: str) -> frozenset[tuple[str, str]]:
    """What makes two query strings the same view."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return frozenset((name, value) for name, value in pairs if name not in PLACE_PARAMETERS and name != PLAIN)
