"""The facts a certificate states: gathered once when it is issued, kept as they were, printed again from there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from django.conf import settings

from certificates.codes import grouped
from certificates.models import Certificate
from certificates.pdf import CertificateFacts, unprintable_characters
from certificates.wording import Locale
from core.errors import DomainError
from enrollments.models import CounselorInteraction, Enrollment
from providers.districts import find
from providers.enums import CourseKind

_TITLES: Mapping[tuple[str, str], str] = {
    ("CC", "en"): "Credit counselor",
    ("CC", "es"): "Asesoría crediticia",
    ("DE", "en"): "Instructor",
    ("DE", "es"): "Instrucción",
}
Mark = Literal["replaced", "revoked"] | None


def gather_facts(enrollment: Enrollment, *, client_name: str = "") -> dict[str, Any]:
    """What is true of a completed enrollment now, as plain values to keep. `client_name` corrects how the name is
    printed. DomainError `completion_unknown` when nobody stands for the completion."""
    if enrollment.completed_at is None or enrollment.completed_by is None:
        raise DomainError("completion_unknown")
    district = find(enrollment.district_id)
    return {
        "client_name": " ".join((client_name or enrollment.client.full_name).split()),
        "agency_name": enrollment.provider.provider_profile.legal_name,
        "district_name": district.formal_name,
        "time_zone": district.time_zone,
        "delivery": enrollment.delivery_method,
        "completed_at": enrollment.completed_at.isoformat(),
        "counselor_name": str(enrollment.completed_by),
        "case_number": enrollment.case_number if enrollment.kind == CourseKind.DE else "",
        "debt_plan_attached": _has_plan(enrollment) if enrollment.kind == CourseKind.CC else None,
    }


def _has_plan(enrollment: Enrollment) -> bool:
    return CounselorInteraction.objects.filter(enrollment_id=enrollment.pk).exclude(debt_plan=None).exists()


def verify_url(certificate: Certificate) -> str:
    """The address printed on the certificate, where anyone can check it."""
    return f"{settings.SITE_URL.rstrip('/')}/verify/{grouped(certificate.verification_code)}"


def completed_at(certificate: Certificate) -> dt.datetime:
    """When the service was completed, on the court's clock, as printed."""
    zone = ZoneInfo(certificate.facts["time_zone"])
    return dt.datetime.fromisoformat(certificate.facts["completed_at"]).astimezone(zone)


def printed_facts(certificate: Certificate, *, language: str = "", mark: Mark = None) -> CertificateFacts:
    """The certificate for a generator, in its own language unless `language` says otherwise."""
    facts, locale = certificate.facts, cast(Locale, language or certificate.language)
    return CertificateFacts(
        kind=cast(Literal["CC", "DE"], certificate.kind),
        number=certificate.number,
        simulated=certificate.is_simulated,
        agency_name=facts["agency_name"],
        district_name=facts["district_name"],
        client_name=facts["client_name"],
        delivery=facts["delivery"],
        completed_at=completed_at(certificate),
        issued_at=certificate.issued_at.astimezone(ZoneInfo(facts["time_zone"])),
        counselor_name=facts["counselor_name"],
        counselor_title=_TITLES[certificate.kind, locale],
        verify_url=verify_url(certificate),
        case_number=facts["case_number"],
        debt_plan_attached=facts["debt_plan_attached"],
        watermark=mark,
        locale=locale,
    )


def require_printable(facts: CertificateFacts) -> None:
    """DomainError `name_unprintable` when a name has letters that would show as boxes."""
    letters = unprintable_characters(facts)
    if letters:
        raise DomainError("name_unprintable", letters=" ".join(letters))
