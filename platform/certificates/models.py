"""Certificates, the official numbers they carry, and the way of a debtor education certificate to the court."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from audit.witness import witness
from certificates.enums import (
    CERTIFICATE_TRANSITIONS,
    FILING_TRANSITIONS,
    NUMBER_TRANSITIONS,
    CertificateStatus,
    FilingStatus,
    NumberStatus,
)
from certificates.querysets import CertificateQuerySet, CgsNumberQuerySet, CourtFilingQuerySet
from core import clock
from core.history import history
from core.links import HomeKey, SameHome
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from enrollments.models import Enrollment
from files.models import StoredFile
from organizations.models import Organization
from providers.enums import CourseKind


class CgsNumber(Row):
    """An official number from the government's Certificate Generating System, imported or typed by staff."""

    scope: ClassVar = Scope(organization="provider")
    privacy: ClassVar = {"number": Privacy.INTERNAL, "batch": Privacy.INTERNAL}
    transitions: ClassVar = {"status": NUMBER_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="cgs_numbers")
    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    district = models.ForeignKey("providers.District", on_delete=models.PROTECT, related_name="+")
    number = models.CharField(_("official number"), max_length=40)
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.PROTECT, null=True, blank=True, related_name="cgs_numbers",
        help_text=_("Set when the number was drawn for one client; otherwise it waits in the pool."),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=10, choices=NumberStatus, default=NumberStatus.AVAILABLE)
    batch = models.CharField(_("batch"), max_length=80, blank=True)

    objects: ClassVar = models.Manager.from_queryset(CgsNumberQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("official certificate number")
        verbose_name_plural = _("official certificate numbers")
        ordering = ("provider", "number")
        permissions = (
            ("import_cgsnumber", "Can import official certificate numbers"),
            ("export_cgsnumber", "Can export official certificate numbers"),
        )
        constraints = (
            models.UniqueConstraint(fields=["number"], name="one_row_per_cgs_number"),
            SameHome(relation="enrollment", home="provider", name="number_enrollment_home"),
        )
        indexes = (
            models.Index(fields=["provider", "number"], name="cgs_number_by_provider"),
            models.Index(
                fields=["provider", "kind", "district", "number"], name="cgs_pool", condition=Q(status="available")
            ),
        )

    def __str__(self) -> str:
        return self.number


class Certificate(Row):
    """A certificate of counseling or debtor education: one valid one per enrollment at a time.

    The facts printed are kept as they were. A firm sees it only after the client directed so (28 CFR 58.22(a),
    58.35(a)): `released_to` names it. `serial` is our own gapless number per provider.
    """

    scope: ClassVar = Scope(
        organization="provider",
        readers=("released_to",),
        person="enrollment__client__user",
        person_writes=False,
        key="verification_code",
    )
    privacy: ClassVar = {
        "number": Privacy.INTERNAL,
        "verification_code": Privacy.INTERNAL,
        "facts": Privacy.PERSONAL,
        "revoke_reason": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": CERTIFICATE_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="certificates")
    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="certificates")
    released_to = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="received_certificates"
    )
    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    serial = models.BigIntegerField(_("serial"))
    number = models.CharField(_("certificate number"), max_length=40, unique=True)
    is_simulated = models.BooleanField(_("simulated"), default=False)
    verification_code = models.CharField(_("verification code"), max_length=40, unique=True)
    status = models.CharField(_("status"), max_length=10, choices=CertificateStatus, default=CertificateStatus.VALID)
    facts = models.JSONField(_("facts as printed"))
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    issued_at = models.DateTimeField(_("issued"), default=clock.now)
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    pdf = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="replaced_by"
    )
    revoke_reason = models.TextField(_("reason of revocation"), blank=True)
    closed_at = models.DateTimeField(_("replaced or revoked"), null=True, blank=True)

    objects: ClassVar = models.Manager.from_queryset(CertificateQuerySet)()
    history = history(excluded=("verification_code",))

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ("-issued_at", "id")
        permissions = (
            ("issue_certificate", "Can issue a certificate"),
            ("revoke_certificate", "Can revoke a certificate"),
            ("replace_certificate", "Can replace a certificate"),
            ("download_certificate", "Can download a certificate"),
        )
        constraints = (
            models.UniqueConstraint(fields=["enrollment"], name="one_valid_certificate", condition=Q(status="valid")),
            models.UniqueConstraint(fields=["provider", "serial"], name="one_serial_per_provider"),
            HomeKey(fields=["id", "provider"], name="certificate_home"),
            SameHome(relation="enrollment", home="provider", name="certificate_enrollment_home"),
            SameHome(relation="replaces", home="provider", name="certificate_replaces_home"),
            SameHome(relation="pdf", home="provider", parent_home="organization", name="certificate_pdf_home"),
        )
        triggers = (witness("certificates.certificate", "status", "number", "released_to_id", home="line.provider_id"),)
        indexes = (
            models.Index(fields=["provider", "-issued_at", "id"], name="certificate_by_provider"),
            models.Index(fields=["-issued_at", "id"], name="certificate_newest"),
        )

    def __str__(self) -> str:
        return self.number


class ReleaseDirection(Row):
    """The client's own direction that a law firm may receive the certificate: who, when, which firm."""

    scope: ClassVar = Scope.through("enrollment", append_only=True)
    privacy: ClassVar = {"statement": Privacy.INTERNAL}

    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="release_directions")
    firm = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    directed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    releases = models.BooleanField(_("release"), default=True)
    statement = models.TextField(_("words the client agreed to"))
    directed_at = models.DateTimeField(_("directed"), default=clock.now)

    class Meta:
        verbose_name = _("direction to release a certificate")
        verbose_name_plural = _("directions to release a certificate")
        ordering = ("-directed_at", "id")

    def __str__(self) -> str:
        return f"{self.firm} · {self.directed_at:%Y-%m-%d}"


class CourtFiling(Row):
    """A debtor education certificate on its way to the court. A counseling certificate never gets a row:
    the agency shall not file it (28 CFR 58.22(i)); the database refuses."""

    scope: ClassVar = Scope(organization="provider", person="enrollment__client__user", person_writes=False)
    privacy: ClassVar = {"docket_number": Privacy.INTERNAL, "note": Privacy.INTERNAL}
    transitions: ClassVar = {"status": FILING_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="court_filings")
    enrollment = models.OneToOneField(Enrollment, on_delete=models.PROTECT, related_name="court_filing")
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="filings")
    kind = models.CharField(max_length=2, choices=CourseKind, default=CourseKind.DE, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=FilingStatus, default=FilingStatus.QUEUED)
    docket_number = models.CharField(_("docket number"), max_length=40, blank=True)
    filed_on = models.DateField(_("filed on"), null=True, blank=True)
    evidence = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("notice of electronic filing"),
    )  # fmt: skip
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    note = models.TextField(_("note"), blank=True)

    objects: ClassVar = models.Manager.from_queryset(CourtFilingQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("court filing")
        verbose_name_plural = _("court filings")
        ordering = ("-created_at", "id")
        permissions = (("file_courtfiling", "Can mark a certificate as filed with the court"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind="DE"), name="only_debtor_education_is_filed"),
            SameHome(relation="enrollment", home="provider", name="filing_enrollment_home"),
            SameHome(relation="certificate", home="provider", name="filing_certificate_home"),
            SameHome(relation="evidence", home="provider", parent_home="organization", name="filing_evidence_home"),
        )
        triggers = (witness("certificates.courtfiling", "status", home="line.provider_id"),)
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="filing_by_provider"),
            models.Index(fields=["provider", "status", "-created_at", "id"], name="filing_by_status"),
            models.Index(fields=["-created_at", "id"], name="filing_newest"),
            models.Index(fields=["docket_number"], name="filing_docket"),
            models.Index(fields=["provider"], name="filing_waiting", condition=Q(status__in=["queued", "returned"])),
        )

    def __str__(self) -> str:
        return f"{self.certificate} · {self.get_status_display()}"
