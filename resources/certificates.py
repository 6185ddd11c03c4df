"""Official certificate numbers out, and those that staff drew in the government's system in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from import_export.fields import Field

from certificates.models import CgsNumber
from certificates.services.numbers import add_number, read_number
from core.context import Actor
from core.errors import DomainError
from enrollments.models import Enrollment
from organizations.models import Organization
from resources.base import ConsoleResource
from resources.payments import EnrollmentById
from resources.widgets import Text


class EnrollmentForNumber(EnrollmentById):
    """An enrollment the person may reserve a number for, told by its id."""

    def rows(self, actor: Actor) -> models.QuerySet:
        return Enrollment.objects.permitted_to(actor, "certificates.add_cgsnumber")


class CgsNumberResource(ConsoleResource):
    """Out: every number, what it is for and where it went. In: new numbers; course and district stand in the number.
    One that is on record already is skipped, so that the same list may be sent twice."""

    name = "certificate-numbers"
    model = CgsNumber
    related: ClassVar = ("provider",)
    about_known: ClassVar = _("A number that is on record already is left as it is.")
    key: ClassVar = ("number",)
    required: ClassVar = ("number",)
    writable: ClassVar = ("number", "enrollment_id", "batch")
    exports: ClassVar = ("number", "course", "court_id", "status", "enrollment_id", "batch", "provider", "created_at")

    number = Field("number", "number", widget=Text(60))
    enrollment_id = Field("enrollment_id", "enrollment_id", widget=EnrollmentForNumber(Enrollment, "pk"))
    batch = Field("batch", "batch", widget=Text(80))
    course = Field("kind", "course")
    court_id = Field("district_id", "court_id")
    status = Field("status", "status")
    provider = Field("provider__slug", "provider")
    created_at = Field("created_at", "created_at")

    @classmethod
    def organizations(cls, actor: Actor, verb: str = "import") -> models.QuerySet[Organization]:
        """Providers only: nobody else has numbers."""
        return super().organizations(actor, verb).filter(is_provider=True)

    def find(self, values: Mapping[str, Any]) -> CgsNumber | None:
        number, _kind, _court = read_number(values["number"])
        return self.get_queryset("import").filter(number=number).first()

    def create(self, values: Mapping[str, Any]) -> CgsNumber:
        if self.organization is None:
            raise DomainError("import_organization_needed")
        number, kind, court_id = read_number(values["number"])
        return add_number(
            self.organization,
            number,
            kind=kind,
            court_id=court_id,
            enrollment=values["enrollment_id"],
            batch=values["batch"],
        )

    def differences(self, record: models.Model, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """A number on record that the file reserves for another enrollment."""
        before, wanted = record.enrollment_id, values["enrollment_id"]  # type: ignore[attr-defined]  # -- always a number
        return {} if wanted is None or wanted.pk == before else {"enrollment_id": (before, wanted.pk)}

    def update(self, record: models.Model, values: Mapping[str, Any]) -> None:
        raise DomainError("import_conflict")

    def examples(self) -> list[dict[str, Any]]:
        return [
            {"number": f"01234-CAC-{kind}-01234567{digit}", "batch": "May"} for kind, digit in (("CC", 8), ("DE", 9))
        ]
