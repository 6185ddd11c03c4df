"""Clients, households, enrollments, and what is on the record about each."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from audit.witness import witness
from core import clock
from core.crypto import SealedField
from core.history import history
from core.links import HomeKey, SameHome, home_trigger
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from enrollments.enums import (
    ENROLLMENT_TRANSITIONS,
    REQUEST_TRANSITIONS,
    WAITING,
    Chapter,
    DeliveryMethod,
    EnrollmentStatus,
    FilingMode,
    InteractionMethod,
    RequestStatus,
)
from enrollments.querysets import EnrollmentQuerySet, EnrollmentRequestQuerySet
from organizations.models import Invitation, Organization
from providers.enums import CourseKind
from providers.models import District

SENT_BY_PROVIDER_OR_FIRM = home_trigger(
    "client_invitation_home",
    column="invitation_id",
    beside="provider_id",
    holds="(SELECT coalesce(sent_for_id, organization_id) IN (NEW.provider_id, NEW.firm_id)"
    " FROM organizations_invitation WHERE id = NEW.invitation_id)",
)
PLAN_OF_THE_PROVIDER = home_trigger(
    "interaction_plan_home",
    column="debt_plan_id",
    beside="enrollment_id",
    holds="(SELECT f.organization_id = e.provider_id FROM files_storedfile f, enrollments_enrollment e"
    " WHERE f.id = NEW.debt_plan_id AND e.id = NEW.enrollment_id)",
)


class EnrollmentRequest(Row):
    """Someone asks a provider for a course. Anyone may write one; the provider answers."""

    searched: ClassVar = True
    scope: ClassVar = Scope(organization="provider", open_insert=True)
    privacy: ClassVar = dict.fromkeys(
        (
            "first_name",
            "last_name",
            "email",
            "phone",
            "spouse_first_name",
            "spouse_last_name",
            "spouse_email",
            "case_number",
            "source_ip",
        ),
        Privacy.PERSONAL,
    ) | {"source_page": Privacy.INTERNAL}
    transitions: ClassVar = {"status": REQUEST_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="enrollment_requests")
    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    mode = models.CharField(_("filing"), max_length=12, choices=FilingMode, default=FilingMode.INDIVIDUAL)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+", verbose_name=_("district"))
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    spouse_first_name = models.CharField(_("spouse’s first name"), max_length=80, blank=True)
    spouse_last_name = models.CharField(_("spouse’s last name"), max_length=80, blank=True)
    spouse_email = models.EmailField(_("spouse’s e-mail"), blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    case_number = models.CharField(_("bankruptcy case number"), max_length=40, blank=True)
    chapter = models.CharField(_("chapter"), max_length=2, choices=Chapter, blank=True)
    first_set_341_date = models.DateField(_("first date set for the 341 meeting"), null=True, blank=True)
    de_filing_deadline = models.DateField(_("deadline for the debtor education certificate"), null=True, blank=True)
    source_page = models.CharField(_("page"), max_length=200, blank=True)
    source_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=12, choices=RequestStatus, default=RequestStatus.SUBMITTED)

    objects: ClassVar = models.Manager.from_queryset(EnrollmentRequestQuerySet)()
    history = history(excluded=("source_ip",))

    class Meta:
        verbose_name = _("enrollment request")
        verbose_name_plural = _("enrollment requests")
        ordering = ("-created_at", "id")
        permissions = (("convert_enrollmentrequest", "Can convert a request into an enrollment and invite"),)
        constraints = (HomeKey(fields=["id", "provider"], name="request_home"),)
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="request_by_provider"),
            models.Index(fields=["-created_at", "id"], name="request_newest"),
            models.Index(fields=["provider", "status", "-created_at", "id"], name="request_by_status"),
            models.Index(fields=["provider"], name="request_waiting", condition=Q(status__in=WAITING)),
        )

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name} · {self.kind}"


class Client(Row):
    """A person as one provider knows them. The login comes when the invitation is accepted.

    Birth date and the last four digits of the Social Security number are sealed; `identity_hash` finds a duplicate
    (name, last four and birth date) without opening them.
    """

    searched: ClassVar = True
    scope: ClassVar = Scope(organization="provider", also=("firm",), person="user", auth=True)
    privacy: ClassVar = {
        "first_name": Privacy.PERSONAL,
        "last_name": Privacy.PERSONAL,
        "email": Privacy.PERSONAL,
        "phone": Privacy.PERSONAL,
        "birth_date": Privacy.SENSITIVE,
        "ssn_last4": Privacy.SENSITIVE,
        "identity_hash": Privacy.SENSITIVE,
    }

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="clients")
    firm = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="firm_clients",
        verbose_name=_("law firm"),
    )  # fmt: skip
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="client_profiles"
    )
    invitation = models.ForeignKey(
        Invitation, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="clients"
    )
    joint_filer = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("spouse")
    )
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80)
    email = models.EmailField(_("e-mail"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    birth_date = SealedField(_("birth date"), blank=True, default="")
    ssn_last4 = SealedField(_("last four digits of the SSN"), blank=True, default="")
    identity_hash = models.CharField(max_length=64, blank=True, default="", editable=False)

    history = history(excluded=("birth_date", "ssn_last4", "identity_hash"))

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        ordering = ("last_name", "first_name", "id")
        permissions = (("identify_client", "Can see a client's birth date"),)
        indexes = (
            models.Index(fields=["provider", "last_name", "first_name", "id"], name="client_by_provider"),
            models.Index(fields=["firm", "last_name", "first_name", "id"], name="client_by_firm"),
            models.Index(fields=["last_name", "first_name", "id"], name="client_by_name"),
            models.Index(fields=["provider", "email"], name="client_email"),
            models.Index(fields=["provider", "identity_hash"], name="client_identity"),
            models.Index(fields=["user"], name="client_user"),
        )
        constraints = (
            HomeKey(fields=["id", "provider"], name="client_home"),
            SameHome(relation="joint_filer", home="provider", name="client_joint_filer_home"),
        )
        triggers = (SENT_BY_PROVIDER_OR_FIRM,)

    def __str__(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Household(Row):
    """The one or two clients of a case; one succeeded payment covers both."""

    scope: ClassVar = Scope(organization="provider", also=("firm",), reached_by=("enrollments",))

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="households")
    firm = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="firm_households",
        verbose_name=_("law firm"),
    )  # fmt: skip

    history = history()

    class Meta:
        verbose_name = _("household")
        verbose_name_plural = _("households")
        ordering = ("-created_at", "id")
        constraints = (HomeKey(fields=["id", "provider"], name="household_home"),)
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="household_by_provider"),
            models.Index(fields=["firm", "-created_at", "id"], name="household_by_firm"),
            models.Index(fields=["-created_at", "id"], name="household_newest"),
        )

    def __str__(self) -> str:
        return str(self.id)[:8]


class Enrollment(Row):
    """A client's place in one course of one kind, with its own certificate.

    `verified_time` is never here: the course room counts it. `completed_at` is the end of the counselor's interaction
    for credit counseling (28 CFR 58.22(a)). `first_set_341_date` never moves; `current_341_date` may.
    """

    searched: ClassVar = True
    scope: ClassVar = Scope(organization="provider", also=("firm",), person="client__user", grantable=True)
    privacy: ClassVar = {"case_number": Privacy.PERSONAL, "cc_override_reason": Privacy.INTERNAL}
    transitions: ClassVar = {"status": ENROLLMENT_TRANSITIONS}

    # Without an index of their own: those of the lists begin with them.
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, db_index=False, related_name="enrollments")
    firm = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="firm_enrollments",
        verbose_name=_("law firm"),
    )  # fmt: skip
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="enrollments")
    household = models.ForeignKey(
        Household, on_delete=models.PROTECT, null=True, blank=True, related_name="enrollments"
    )
    request = models.ForeignKey(
        EnrollmentRequest, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="enrollments"
    )
    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="+", verbose_name=_("district"))
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    delivery_method = models.CharField(
        _("delivery"), max_length=12, choices=DeliveryMethod, default=DeliveryMethod.INTERNET
    )
    status = models.CharField(_("status"), max_length=12, choices=EnrollmentStatus, default=EnrollmentStatus.INVITED)
    has_fee_waiver = models.BooleanField(_("fee waived"), default=False)
    chapter = models.CharField(_("chapter"), max_length=2, choices=Chapter, blank=True)
    case_number = models.CharField(_("bankruptcy case number"), max_length=40, blank=True)
    first_set_341_date = models.DateField(_("first date set for the 341 meeting"), null=True, blank=True)
    current_341_date = models.DateField(_("current date of the 341 meeting"), null=True, blank=True)
    de_filing_deadline = models.DateField(_("deadline for the debtor education certificate"), null=True, blank=True)
    cc_override_reason = models.TextField(
        _("reason for less than 60 minutes"), blank=True,
        help_text=_("Credit counseling only; set by a supervisor, kept on the record."),
    )  # fmt: skip
    enrolled_at = models.DateTimeField(_("enrolled"), null=True, blank=True, editable=False)
    begun_at = models.DateTimeField(_("course begun"), null=True, blank=True, editable=False)
    submitted_at = models.DateTimeField(_("sent to the counselor"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True, editable=False)
    completed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("completed by"), help_text=_("Signs the certificate."),
    )  # fmt: skip
    certificate_due = models.DateField(_("certificate due"), null=True, blank=True, editable=False)

    # What `enrollments.queries.with_standing` adds to a row.
    has_acknowledged: bool
    has_own_payment: bool
    has_household_payment: bool

    objects: ClassVar = models.Manager.from_queryset(EnrollmentQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        ordering = ("-created_at", "id")
        permissions = (
            ("invite_enrollment", "Can invite the client of an enrollment"),
            ("complete_enrollment", "Can complete an enrollment"),
            ("override_time", "Can accept less than 60 minutes of credit counseling"),
            ("cancel_enrollment", "Can cancel an enrollment"),
            ("import_enrollment", "Can import enrollments"),
            ("export_enrollment", "Can export enrollments"),
        )
        constraints = (
            HomeKey(fields=["id", "provider"], name="enrollment_home"),
            SameHome(relation="client", home="provider", name="enrollment_client_home"),
            SameHome(relation="household", home="provider", name="enrollment_household_home"),
            SameHome(relation="request", home="provider", name="enrollment_request_home"),
        )
        triggers = (witness("enrollments.enrollment", "status", "cc_override_reason", home="line.provider_id"),)
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="enrollment_by_provider"),
            models.Index(fields=["provider", "status", "-created_at", "id"], name="enrollment_by_status"),
            models.Index(fields=["firm", "-created_at", "id"], name="enrollment_by_firm"),
            models.Index(fields=["firm", "status", "-created_at", "id"], name="enrollment_status_firm"),
            models.Index(fields=["firm", "de_filing_deadline", "id"], name="enrollment_deadline_firm"),
            models.Index(fields=["-created_at", "id"], name="enrollment_newest"),
            models.Index(fields=["completed_at"], name="enrollment_awaiting", condition=Q(status="completed")),
            models.Index(fields=["status", "-created_at", "id"], name="enrollment_status_newest"),
            models.Index(fields=["de_filing_deadline", "id"], name="enrollment_deadline"),
            models.Index(fields=["provider", "de_filing_deadline", "id"], name="enrollment_deadline_provider"),
            models.Index(fields=["-created_at", "id"], name="enrollment_waived", condition=Q(has_fee_waiver=True)),
            models.Index(
                fields=["provider", "-created_at", "id"],
                name="enrollment_waived_provider",
                condition=Q(has_fee_waiver=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.client_name} · {self.kind}"

    @property
    def client_name(self) -> str:
        """The client's name, or what stands for it where the reader may see the enrollment and not the client: theirs
        came through another law firm, or only this one row was opened to the reader."""
        return str(self.client) if self.is_whole else gettext("Client not shared with you")

    @property
    def is_whole(self) -> bool:
        try:
            return bool(self.client)
        except Client.DoesNotExist:
            return False


class DisclosureSet(Row):
    """One version of what must be told before any information is taken (28 CFR 58.20(l), 58.33(k))."""

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = {"version": Privacy.PUBLIC, "source": Privacy.PUBLIC, "items": Privacy.PUBLIC}

    kind = models.CharField(_("course"), max_length=2, choices=CourseKind)
    version = models.CharField(_("version"), max_length=20)
    source = models.CharField(_("legal source"), max_length=80)
    items = models.JSONField(_("items"))
    effective_from = models.DateTimeField(_("in force from"), default=clock.now)

    history = history()

    class Meta:
        verbose_name = _("disclosure version")
        verbose_name_plural = _("disclosure versions")
        ordering = ("kind", "-effective_from")
        constraints = (models.UniqueConstraint(fields=["kind", "version"], name="one_disclosure_version"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class DisclosureAcknowledgement(Row):
    """That a person read one version of the disclosures, in one language, at one time. Kept as it was shown."""

    scope: ClassVar = Scope.through("enrollment", append_only=True)
    privacy: ClassVar = {"shown_sha256": Privacy.INTERNAL, "ip_address": Privacy.PERSONAL}

    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="acknowledgements")
    disclosures = models.ForeignKey(DisclosureSet, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    language = models.CharField(_("language"), max_length=5, choices=Language)
    shown_sha256 = models.CharField(max_length=64, help_text=_("Digest of the text exactly as shown."))
    ip_address = models.GenericIPAddressField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), default=clock.now)

    class Meta:
        verbose_name = _("acknowledgement of disclosures")
        verbose_name_plural = _("acknowledgements of disclosures")
        ordering = ("-acknowledged_at", "id")
        indexes = (models.Index(fields=["-acknowledged_at", "id"], name="acknowledgement_newest"),)
        constraints = (
            models.UniqueConstraint(fields=["enrollment", "disclosures"], name="acknowledged_once_per_version"),
        )

    def __str__(self) -> str:
        return f"{self.disclosures} · {self.acknowledged_at:%Y-%m-%d}"


class CounselorInteraction(Row):
    """A counselor's talk with a client; required before credit counseling can be completed (28 CFR 58.22(a))."""

    scope: ClassVar = Scope.through("enrollment", person_writes=False)
    privacy: ClassVar = {"notes": Privacy.SENSITIVE}

    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="interactions")
    counselor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="interactions")
    method = models.CharField(_("how"), max_length=12, choices=InteractionMethod)
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"))
    identity_confirmed = models.BooleanField(_("identity asked again and confirmed"), default=False)
    notes = models.TextField(_("notes"), blank=True)
    debt_plan = models.ForeignKey(
        "files.StoredFile", on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("debt repayment plan"),
        help_text=_("Goes to the client with the certificate (11 U.S.C. 521(b))."),
    )  # fmt: skip

    history = history(excluded=("notes",))

    class Meta:
        verbose_name = _("counselor interaction")
        verbose_name_plural = _("counselor interactions")
        ordering = ("-started_at", "id")
        indexes = (models.Index(fields=["-started_at", "id"], name="interaction_newest"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at__gt=models.F("started_at")), name="interaction_ends_after_it_begins"
            ),
        )
        triggers = (PLAN_OF_THE_PROVIDER,)

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.started_at:%Y-%m-%d}"
