"""The tags of a list's page."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.templatetags.unfold_list import result_headers

from admin_site.cells import rows_html
from admin_site.columns import is_compact

register = template.Library()
_PK = "00000000-0000-0000-0000-000000000000"


@register.inclusion_tag("console/lists/table.html", takes_context=True)
def console_result_list(context: Any, cl: Any) -> dict[str, Any]:
    """The table of a list, or what stands in its place when there is nothing to show."""
    request = context["request"]
    ticked = "action_checkbox" in cl.list_display
    menu = [] if cl.is_popup else row_menu(cl, request)
    headers = [header for header in result_headers(cl) if "action-checkbox" not in str(header["class_attrib"])]
    return {
        "cl": cl, "ticked": ticked, "menu": menu, "headers": headers, "compact": is_compact(request),
        "rows": rows_html(cl, ticked=ticked, menu=bool(menu)) if cl.result_list else SafeString(""),
        "empty_state": context.get("empty_state"), "may_add": cl.model_admin.has_add_permission(request),
        "unseen": not cl.result_list and not cl.is_narrowed and not cl.model_admin.has_verb(request, "view"),
        "add_address": reverse(f"admin:{cl.model_admin.address_name('add')}"), "request": request,
    }  # fmt: skip


def row_menu(cl: Any, request: Any) -> list[dict[str, Any]]:
    """The acts a line's menu offers, with an address in which the row's id is to be put."""
    return [
        {
            "title": action.description,
            "icon": action.icon,
            "address": reverse(f"admin:{action.action_name}", args=[_PK]),
        }
        for action in cl.model_admin.get_actions_row(request)
    ]
