"""Is this certificate real? For courts, trustees, attorneys and anyone else who holds one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from certificates.codes import as_typed, grouped
from certificates.services.verification import Verification, verify
from core import limits
from core.refusals import wants_json
from website.components import Crumb, Fact
from website.offers import service_name
from website.pages import page_url
from website.visitors import visitor_ip

LIMIT, WINDOW = 30, 60


@never_cache
@require_safe
def form(request: HttpRequest) -> HttpResponse:
    """Ask for the code; a code sent along is looked up at its own address, which can be kept and printed."""
    typed = request.GET.get("code", "")
    if as_typed(typed):
        return HttpResponseRedirect(reverse("website:verify_code", args=[grouped(as_typed(typed))]))
    return render(request, "website/verify/form.html", {"is_empty": "code" in request.GET})


@never_cache
@require_safe
def answer(request: HttpRequest, code: str) -> HttpResponse:
    """What the code stands for, as a page or as JSON; always 200, also for a code nobody has. At most LIMIT codes in
    WINDOW seconds from one address."""
    limits.hit("verify", visitor_ip(request), limit=LIMIT, seconds=WINDOW)
    found = verify(code)
    if wants_json(request):
        response: HttpResponse = JsonResponse({"certificate": found.as_dict()})
    else:
        response = render(request, "website/verify/answer.html", _context(code, found))
    patch_vary_headers(response, ["Accept"])
    return response


def _context(code: str, found: Verification) -> dict[str, object]:
    return {
        "code": grouped(as_typed(code)),
        "standing": str(found.standing),
        "found": found,
        "facts": _facts(found),
        "crumbs": [Crumb(_("Verify a certificate"), page_url("verify")), Crumb(_("Answer"))],
    }


def _facts(found: Verification) -> list[Fact]:
    if not found.kind:
        return []
    return [
        Fact(_("Certificate number"), found.number),
        Fact(_("Initials of the person"), found.name),
        Fact(_("Course"), service_name(found.kind)),
        Fact(_("Issued by"), found.agency),
        Fact(_("Judicial district"), found.district),
        Fact(_("Completed on"), found.completed_on),
        Fact(_("Issued on"), found.issued_on),
    ]
