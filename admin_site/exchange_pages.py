"""What import and export pages of a list have in common: addresses that ask for the permission, pages, buttons."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path, reverse

from resources.base import ConsoleResource
from resources.formats import SafeFormat

READ, WRITE = frozenset({"GET", "HEAD"}), frozenset({"POST"})
FORM = READ | WRITE


class ExchangePages:
    """Mixin before ConsoleModelAdmin, below the import and export mixins."""

    resource_class: type[ConsoleResource]

    def exchange_tools(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The buttons above the list; each mixin adds its own."""
        return []

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        tools = self.exchange_tools(request)
        return super().changelist_view(request, {"exchange_tools": tools, **(extra_context or {})})

    def tool(self, request: HttpRequest, verb: str, title: Any, icon: str) -> list[dict[str, Any]]:
        """The button of a page, with the list's present filters; none without the permission."""
        if not self.resource_class.allowed(request.actor, verb):
            return []
        query = f"?{request.GET.urlencode()}" if verb == "export" and request.GET else ""
        return [{"title": title, "icon": icon, "url": self._address(verb) + query}]

    def _address(self, page: str) -> str:
        return reverse(f"{self.admin_site.name}:{self.address_name(page)}")

    def _exchange_pattern(self, address: str, verb: str, methods: frozenset[str], view: Any) -> Any:
        """An address that asks for the permission and the method before its page."""

        def checked(request: HttpRequest) -> HttpResponse:
            if not self.resource_class.allowed(request.actor, verb):
                raise PermissionDenied
            return view(request) if request.method in methods else HttpResponseNotAllowed(sorted(methods))

        name = address.strip("/").replace("/", "_")
        return path(address, self._guarded(checked), name=self.address_name(name))

    def _exchange_page(self, request: HttpRequest, template: str, title: Any, context: dict[str, Any]) -> HttpResponse:
        request.current_app = self.admin_site.name
        own = {"title": title, "opts": self.opts, "model_admin": self, "back": self.list_url()}
        return TemplateResponse(request, template, {**self.admin_site.each_context(request), **own, **context})


def download(form: SafeFormat, content: bytes, name: str) -> HttpResponse:
    """A small file as an answer, always to be saved and never shown."""
    response = HttpResponse(content, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form.name}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
