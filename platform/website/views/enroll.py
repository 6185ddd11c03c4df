"""A provider's own page: what it costs and who it is, then a request for a course, or back to an enrollment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import limits
from core.errors import DomainError
from enrollments.enums import FilingMode
from enrollments.offers import refuse_offer
from enrollments.queries import stands_at
from enrollments.services.requests import submit_request
from providers.enums import CourseKind
from providers.queries import Offer, public_providers
from website.components import Crumb
from website.forms.enrollments import ResumeForm, StartForm
from website.offers import about, help_of, service_name, trust_of
from website.pages import page_url
from website.visitors import actor_of, is_program, visitor_ip

# Which field an answer of the service belongs to.
_FIELDS = {"joint_email_shared": "spouse_email", "district_not_approved": "court_id", "unknown_chapter": "chapter"}


def _offer(request: HttpRequest, slug: str) -> Offer:
    """The public provider at this address; anything else does not exist."""
    found = public_providers(actor_of(request)).filter(slug=slug).first()
    if found is None:
        raise Http404
    return Offer(found)


def open_kinds(offer: Offer) -> list[CourseKind]:
    """The courses that can be asked for now."""
    return [
        kind
        for kind in offer.kinds
        if refuse_offer(offer.provider, offer.approvals_for(kind)[0].district_id, kind) is None
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def enroll(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything a person should know, then the form for the course and filing chosen by link."""
    offer = _offer(request, slug)
    kinds = open_kinds(offer)
    chosen = request.POST if request.method == "POST" else request.GET
    form = None
    if chosen.get("kind") in kinds:
        form = _start_form(request, offer, chosen["kind"], _mode(chosen.get("mode")))
    elif request.method == "POST":
        return HttpResponseRedirect(reverse("website:enroll", args=[slug]))
    if request.method == "POST" and form is not None and form.is_valid() and _submitted(request, offer, form):
        return HttpResponseRedirect(reverse("website:enroll_thanks", args=[slug]))
    return _page(request, offer, kinds=kinds, form=form)


def _mode(text: str | None) -> str:
    return FilingMode.JOINT if text == FilingMode.JOINT else FilingMode.INDIVIDUAL


def _start_form(request: HttpRequest, offer: Offer, kind: str, mode: str) -> StartForm:
    court_ids = [approval.district_id for approval in offer.approvals_for(kind)]
    data = request.POST if request.method == "POST" else None
    return StartForm(data, kind=kind, mode=mode, court_ids=court_ids)


def _submitted(request: HttpRequest, offer: Offer, form: StartForm) -> bool:
    """Whether the request was kept, or came from a program and is answered as if it was."""
    if is_program(request):
        return True
    data = form.cleaned_data | {"language": get_language() or "en"}
    try:
        submit_request(offer.provider, data, ip=visitor_ip(request), page=request.path)
    except DomainError as refusal:
        if refusal.status == 429:
            raise
        field = _FIELDS.get(refusal.code)
        form.add_error(field if field in form.fields else None, str(refusal))
        return False
    return True


def _page(
    request: HttpRequest,
    offer: Offer,
    *,
    kinds: list[CourseKind],
    form: StartForm | None = None,
    resume: ResumeForm | None = None,
    is_unknown: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {
        "provider": offer.provider,
        "about": about(offer.profile),
        "trust": trust_of(offer),
        "choices": [(kind, service_name(kind)) for kind in kinds],
        "chosen": _chosen(form),
        "form": form,
        "resume": resume or ResumeForm(auto_id="resume_%s"),
        "is_unknown": is_unknown,
        "help_contact": help_of(offer.profile),
        "crumbs": [Crumb(_("Find a provider"), page_url("providers")), Crumb(offer.provider.name)],
    }
    return render(request, "website/enroll/page.html", context, status=422 if form is not None and form.errors else 200)


def _chosen(form: StartForm | None) -> dict[str, str]:
    """What the form on the page asks for; empty before a choice."""
    if form is None:
        return {}
    kind, mode = form.initial["kind"], form.initial["mode"]
    return {"kind": kind, "mode": mode, "title": service_name(kind), "mode_label": str(FilingMode(mode).label)}


@require_safe
def enroll_thanks(request: HttpRequest, slug: str) -> HttpResponse:
    """What happens after a request."""
    offer = _offer(request, slug)
    context = {"provider": offer.provider, "help_contact": help_of(offer.profile)}
    return render(request, "website/enroll/thanks.html", context)


@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    """To the page of an enrollment of this provider. Every other id gets one and the same friendly answer."""
    offer = _offer(request, slug)
    limits.hit("resume", visitor_ip(request), limit=20, seconds=600)
    form = ResumeForm(request.POST, auto_id="resume_%s")
    enrollment_id = _uuid(request.POST.get("enrollment_id", ""))
    if enrollment_id is not None and stands_at(enrollment_id, offer.provider.pk):
        return HttpResponseRedirect(reverse("website:course", args=[enrollment_id]))
    return _page(request, offer, kinds=open_kinds(offer), resume=form, is_unknown=True)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
