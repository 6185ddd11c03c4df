"""A person's own courses: the list, and one page per enrollment that says what is next and lets it be done."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from core.errors import DomainError
from enrollments.disclosures import Shown, shown
from enrollments.enums import EnrollmentStatus
from enrollments.guards import district_guard, missing_details
from enrollments.models import Enrollment
from enrollments.queries import with_standing
from enrollments.services.acknowledgements import acknowledge_disclosures
from enrollments.services.details import OPEN, save_details
from organizations.models import Organization
from providers.districts import find
from providers.fees import provider_fee_cents
from website.components import Crumb, Fact
from website.districts import district_label
from website.forms.enrollments import DetailsForm, DisclosureForm
from website.journey import here, place_among, steps_of, tone_of
from website.offers import help_of, service_name
from website.pages import page_url
from website.sections import certificates, courses, payments
from website.visitors import actor_of, visitor_ip

# Every room's part of the page, in the order of the journey.
SECTIONS = (("payments", payments.section), ("courses", courses.section), ("certificates", certificates.section))


def _reachable(request: HttpRequest) -> Any:
    """Enrollments the reader may see, without joining the provider: a closed provider's row is hidden from them."""
    mine = Enrollment.objects.visible_to(actor_of(request))
    return with_standing(mine.select_related("client", "district", "household"))


def _providers_of(enrollments: list[Enrollment]) -> dict[UUID, Organization]:
    """The providers that are open to the reader, with their profiles."""
    wanted = {enrollment.provider_id for enrollment in enrollments}
    rows = Organization.objects.filter(pk__in=wanted).select_related("provider_profile")
    return {row.pk: row for row in rows}


@never_cache
@require_safe
@login_required
def my(request: HttpRequest) -> HttpResponse:
    """The person's own enrollments, open ones first, each with what to do next and by when."""
    own = list(_reachable(request).filter(client__user=request.user).order_by("-created_at", "id"))
    providers = _providers_of(own)
    cards = [_card(enrollment, providers.get(enrollment.provider_id)) for enrollment in own]
    cards.sort(key=lambda card: card["is_over"])
    return render(request, "website/enrollments/my.html", {"cards": cards})


def _card(enrollment: Enrollment, provider: Organization | None) -> dict[str, Any]:
    steps = steps_of(enrollment, is_free=_is_free(provider), refusal=_closed(provider))
    step = here(steps)
    return {
        "enrollment": enrollment,
        "title": service_name(enrollment.kind),
        "provider": provider.name if provider else "",
        "pill": enrollment.get_status_display(),
        "tone": tone_of(enrollment),
        "step": step,
        "is_over": step is None,
        "url": reverse("website:course", args=[enrollment.pk]),
    }


def _is_free(provider: Organization | None) -> bool:
    return provider is not None and provider_fee_cents(provider) == 0


def _closed(provider: Organization | None) -> DomainError | None:
    return None if provider is not None else DomainError("provider_not_open")


def _enrollment(request: HttpRequest, pk: UUID, *, own: bool) -> Enrollment:
    """The enrollment, or 404 for one that does not exist and one that is not the reader's alike."""
    found = _reachable(request).filter(pk=pk)
    if own:
        found = found.filter(client__user=request.user)
    enrollment = found.first()
    if enrollment is None:
        raise Http404
    return enrollment


@never_cache
@require_safe
@login_required
def course(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One enrollment from invitation to certificate. Its client acts here; staff who may see it look on."""
    return _page(request, _enrollment(request, pk, own=False))


@never_cache
@login_required
@require_POST
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The client confirms the disclosures exactly as they were shown."""
    enrollment = _enrollment(request, pk, own=True)
    form = DisclosureForm(request.POST)
    if not form.is_valid():
        return _page(request, enrollment, disclosure_form=form)
    try:
        acknowledge_disclosures(
            enrollment,
            cast(User, request.user),
            language=_language(),
            ip=visitor_ip(request),
            seen_sha256=form.cleaned_data["seen"],
        )
    except DomainError as refusal:
        if refusal.code != "disclosures_changed":
            raise
        messages.warning(request, str(refusal))
    return _back(enrollment)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def details(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The client's own details; GET offers them for correction as long as they may change."""
    enrollment = _enrollment(request, pk, own=True)
    if enrollment.status not in OPEN:
        raise DomainError("details_locked")
    if not enrollment.has_acknowledged and enrollment.status == EnrollmentStatus.INVITED:
        raise DomainError("disclosure_required")
    form = DetailsForm(request.POST if request.method == "POST" else None, enrollment=enrollment)
    if request.method != "POST" or not form.is_valid():
        return _page(request, enrollment, details_form=form)
    save_details(enrollment, form.facts())
    messages.success(request, _("Your details are saved."))
    return _back(enrollment)


def _language() -> str:
    return (get_language() or "en").partition("-")[0]


def _back(enrollment: Enrollment) -> HttpResponse:
    return HttpResponseRedirect(reverse("website:course", args=[enrollment.pk]))


def _page(
    request: HttpRequest,
    enrollment: Enrollment,
    *,
    disclosure_form: DisclosureForm | None = None,
    details_form: DetailsForm | None = None,
) -> HttpResponse:
    provider = _providers_of([enrollment]).get(enrollment.provider_id)
    is_own = enrollment.client.user_id == request.user.pk
    refusal = _closed(provider) or _outside(enrollment)
    steps = steps_of(enrollment, is_free=_is_free(provider), refusal=refusal)
    context: dict[str, Any] = {
        "enrollment": enrollment,
        "title": service_name(enrollment.kind),
        "pill": enrollment.get_status_display(),
        "tone": tone_of(enrollment),
        "is_own": is_own,
        "steps": steps,
        "place": place_among(steps),
        "facts": _facts(enrollment, provider),
        "crumbs": [Crumb(_("My courses"), page_url("my")), Crumb(service_name(enrollment.kind))],
        "help_contact": help_of(provider.provider_profile) if provider else None,
        "sections": [],
    }
    if provider is not None:
        enrollment.provider = provider
        context |= _next(request, enrollment, is_own=is_own, refusal=refusal, disclosure_form=disclosure_form,
                         details_form=details_form)  # fmt: skip
    else:  # A certificate stays its holder's, also when the provider is closed.
        context["sections"] = _sections(request, enrollment, only="certificates")
    form = context.get("form")
    return render(request, "website/enrollments/course.html", context, status=422 if form and form.errors else 200)


def _outside(enrollment: Enrollment) -> DomainError | None:
    """What the client cannot mend, said before they pay: the provider's approval has ended."""
    is_before = enrollment.status in (EnrollmentStatus.INVITED, EnrollmentStatus.ENROLLED)
    return district_guard(enrollment) if is_before else None


def _next(
    request: HttpRequest,
    enrollment: Enrollment,
    *,
    is_own: bool,
    refusal: DomainError | None,
    disclosure_form: DisclosureForm | None,
    details_form: DetailsForm | None,
) -> dict[str, Any]:
    """What the page offers to do now. Nothing is asked before the disclosures are acknowledged."""
    needs_disclosures = enrollment.status == EnrollmentStatus.INVITED and not enrollment.has_acknowledged
    if not is_own:
        return {"sections": _sections(request, enrollment, only="certificates")}
    if refusal is not None:
        return {}
    if needs_disclosures:
        return _disclosures(enrollment, disclosure_form)
    needs_details = enrollment.status in OPEN and bool(missing_details(enrollment))
    if details_form is not None or needs_details:
        return {"form": details_form or DetailsForm(enrollment=enrollment), "is_details": True}
    return {"sections": _sections(request, enrollment), "may_correct": enrollment.status in OPEN}


def _disclosures(enrollment: Enrollment, form: DisclosureForm | None) -> dict[str, Any]:
    seen: Shown = shown(enrollment, _language())
    return {"disclosures": seen, "form": form or DisclosureForm(initial={"seen": seen.sha256})}


def _sections(request: HttpRequest, enrollment: Enrollment, *, only: str = "") -> list[str]:
    """The parts of the other rooms that have something to show."""
    parts: list[str] = []
    for name, section in SECTIONS:
        context = section(request, enrollment) if only in ("", name) else None
        if context is not None:
            template = f"website/sections/{name}.html"
            parts.append(render_to_string(template, {"enrollment": enrollment, **context}, request))
    return parts


def _facts(enrollment: Enrollment, provider: Organization | None) -> list[Fact]:
    facts = [
        Fact(_("For"), enrollment.client.full_name),
        Fact(_("Provider"), provider.name if provider else _("Not open at the moment")),
        Fact(_("District"), district_label(find(enrollment.district_id))),
        Fact(_("Enrollment ID"), enrollment.pk),
    ]
    if enrollment.case_number:
        facts.insert(3, Fact(_("Case number"), enrollment.case_number))
    return facts
