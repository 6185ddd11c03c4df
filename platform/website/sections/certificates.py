"""The certificate on the person's one page: where it is, how to get it, what to do with it, and who else may see it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.enums import Language
from certificates.codes import grouped
from certificates.facts import printed_facts, verify_url
from certificates.models import Certificate, CourtFiling
from certificates.services.release import directed_firm
from certificates.wording import Locale, long_date, time_with_zone
from enrollments.enums import FINISHED, EnrollmentStatus
from enrollments.models import CounselorInteraction, Enrollment
from organizations.backends import allows
from organizations.models import Organization
from providers.enums import CourseKind
from website.components import Fact


def release_words(firm: str) -> str:
    """What the client agrees to, in the language they read; kept word for word."""
    return _("I want %(firm)s, my law firm, to get my certificate.") % {"firm": firm}


def withdrawal_words(firm: str) -> str:
    return _("I no longer want %(firm)s to get my certificate.") % {"firm": firm}


def section(request: HttpRequest, enrollment: Enrollment) -> dict[str, Any] | None:
    """What `website/sections/certificates.html` shows; None before the course is completed, and to a reader who may
    not see the certificate. Reads nothing of the provider, whose row may be hidden from the client.

    `state` is waiting, issued or revoked.
    """
    if enrollment.status not in FINISHED:
        return None
    actor = request.actor  # type: ignore[attr-defined]  # -- set by ContextMiddleware
    is_own = enrollment.client.user_id == actor.user_id
    if enrollment.status == EnrollmentStatus.COMPLETED:
        may_issue = not is_own and allows(actor, "certificates.issue_certificate", enrollment)
        return {"state": "waiting", "is_own": is_own, "issue_url": _url("issue", enrollment) if may_issue else ""}
    seen = Certificate.objects.visible_to(actor).filter(enrollment=enrollment).order_by("-issued_at")
    certificate = next((row for row in seen if row.status == "valid"), None)
    if certificate is None:
        return {"state": "revoked", "is_own": is_own} if seen else None
    return {
        "state": "issued",
        "is_own": is_own,
        "certificate": certificate,
        "facts": _facts(certificate),
        "download_url": _url("certificate", enrollment),
        "other_language": _other_language(certificate),
        "plan_url": _plan_url(enrollment),
        "verify_url": verify_url(certificate),
        "filing": _filing(enrollment),
        **(_release(enrollment) if is_own else {}),
    }


def _url(name: str, enrollment: Enrollment) -> str:
    return reverse(f"website:course_{name}", args=[enrollment.pk])


def _facts(certificate: Certificate) -> list[Fact]:
    locale: Locale = "es" if get_language() == "es" else "en"
    issued_at = printed_facts(certificate).issued_at
    return [
        Fact(_("Certificate number"), certificate.number),
        Fact(_("Issued"), f"{long_date(issued_at, locale)}, {time_with_zone(issued_at, locale)}"),
        Fact(_("Verification code"), grouped(certificate.verification_code)),
    ]


def _other_language(certificate: Certificate) -> dict[str, str]:
    code = Language.SPANISH if certificate.language == Language.ENGLISH else Language.ENGLISH
    label = _("Download in Spanish") if code == Language.SPANISH else _("Download in English")
    return {"code": code, "label": label}


def _plan_url(enrollment: Enrollment) -> str:
    if enrollment.kind != CourseKind.CC:
        return ""
    talks = CounselorInteraction.objects.filter(enrollment=enrollment).exclude(debt_plan=None)
    return _url("debt_plan", enrollment) if talks.exists() else ""


def _filing(enrollment: Enrollment) -> CourtFiling | None:
    return CourtFiling.objects.filter(enrollment=enrollment).first() if enrollment.kind == CourseKind.DE else None


def _release(enrollment: Enrollment) -> dict[str, Any]:
    firm = Organization.objects.filter(pk=enrollment.firm_id).first() if enrollment.firm_id else None
    if firm is None:
        return {}
    return {
        "firm": firm,
        "is_released": directed_firm(enrollment) == firm.pk,
        "release_url": _url("release", enrollment),
        "withdraw_url": _url("withdraw", enrollment),
        "release_words": release_words(firm.name),
    }
