"""A certificate in its client's hands: get it, say who else may have it. Staff issue it here where nobody else does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.enums import Language
from certificates.facts import printed_facts
from certificates.generators import PDF, TEXT, CertificateGenerator
from certificates.models import Certificate
from certificates.services.issuing import issue_certificate
from certificates.services.release import release_to_firm, withdraw_release
from core.errors import DomainError
from enrollments.models import CounselorInteraction, Enrollment
from files.links import signed_link
from organizations.backends import allows
from organizations.models import Organization
from website.sections.certificates import release_words, withdrawal_words


def _reachable(request: Any, pk: UUID) -> Enrollment:
    enrollment = Enrollment.objects.visible_to(request.actor).select_related("client").filter(pk=pk).first()
    if enrollment is None:
        raise Http404
    return enrollment


def _own(request: Any, pk: UUID) -> Enrollment:
    enrollment = _reachable(request, pk)
    if enrollment.client.user_id != request.user.pk:
        raise Http404
    return enrollment


def _firm_of(enrollment: Enrollment) -> Organization | None:
    return Organization.objects.filter(pk=enrollment.firm_id).first() if enrollment.firm_id else None


def _back(pk: UUID) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('website:course', args=[pk])}#certificate")


@never_cache
@require_safe
@login_required
def download(request: Any, pk: UUID) -> HttpResponse:
    """The valid certificate of an enrollment, to whoever may see it: the stored document by a short link, or, with
    `?language=` or `?as=text`, the same facts in the other language or as plain text."""
    found = Certificate.objects.visible_to(request.actor).valid().filter(enrollment_id=pk).select_related("pdf").first()
    if found is None or found.pdf is None:
        raise Http404
    language = request.GET.get("language", found.language)
    generator = TEXT if request.GET.get("as") == "text" else PDF
    if language not in Language.values or (language == found.language and generator is PDF):
        return redirect(signed_link(found.pdf, request.user))
    return _made(found, generator, language)


def _made(certificate: Certificate, generator: CertificateGenerator, language: str) -> HttpResponse:
    content = generator.generate(printed_facts(certificate, language=language))
    charset = "; charset=utf-8" if generator.content_type.startswith("text/") else ""
    response = HttpResponse(content, content_type=f"{generator.content_type}{charset}")
    name = f"certificate-{certificate.number}-{language}{generator.suffix}"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["X-Content-Type-Options"] = "nosniff"
    return response


@never_cache
@require_safe
@login_required
def debt_plan(request: Any, pk: UUID) -> HttpResponse:
    """The repayment plan that goes with a counseling certificate."""
    talks = CounselorInteraction.objects.visible_to(request.actor).filter(enrollment_id=pk).exclude(debt_plan=None)
    talk = talks.select_related("debt_plan").order_by("-ended_at").first()
    if talk is None or talk.debt_plan is None:
        raise Http404
    return redirect(signed_link(talk.debt_plan, request.user))


@require_POST
@login_required
def release(request: Any, pk: UUID) -> HttpResponse:
    """The client directs that their law firm may have the certificate."""
    enrollment = _own(request, pk)
    firm = _firm_of(enrollment)
    if firm is None:
        raise DomainError("release_no_firm")
    release_to_firm(enrollment, firm, request.user, statement=release_words(firm.name))
    messages.success(request, _("%(firm)s may see your certificate now.") % {"firm": firm.name})
    return _back(pk)


@require_POST
@login_required
def withdraw(request: Any, pk: UUID) -> HttpResponse:
    """The client takes it back."""
    enrollment = _own(request, pk)
    firm = _firm_of(enrollment)
    if withdraw_release(enrollment, request.user, statement=withdrawal_words(firm.name if firm else "")):
        messages.success(request, _("Your law firm no longer sees your certificate. What it has already, it keeps."))
    return _back(pk)


@require_POST
@login_required
def issue(request: Any, pk: UUID) -> HttpResponse:
    """Staff issue the certificate by hand; the same service as the worker's."""
    enrollment = _reachable(request, pk)
    if not allows(request.actor, "certificates.issue_certificate", enrollment):
        raise DomainError("permission_denied")
    certificate = issue_certificate(enrollment)
    messages.success(request, _("Certificate %(number)s is issued.") % {"number": certificate.number})
    return _back(pk)
