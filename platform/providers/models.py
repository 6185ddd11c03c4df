"""Districts, a provider's approval in each, and applications of those who want to become one."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.history import history
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope, ScopedManager
from providers.enums import (
    APPLICATION_TRANSITIONS,
    DISTRICT_APPROVAL_TRANSITIONS,
    ApplicationStatus,
    CourseKind,
    DistrictApprovalStatus,
)
from providers.querysets import DistrictApprovalQuerySet


class District(models.Model):
    """A federal judicial district with its bankruptcy court. Reference data."""

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = dict.fromkeys(
        ("court_id", "name", "state", "certificate_code", "circuit", "oversight", "ust_region", "time_zone"),
        Privacy.PUBLIC,
    )

    court_id = models.CharField(_("court"), max_length=8, primary_key=True)
    name = models.CharField(_("district"), max_length=80)
    state = models.CharField(_("state"), max_length=2)
    certificate_code = models.CharField(_("code on certificates"), max_length=4)
    circuit = models.CharField(_("circuit"), max_length=4)
    oversight = models.CharField(_("oversight"), max_length=3, help_text=_("UST or Bankruptcy Administrator (BA)."))
    ust_region = models.CharField(_("UST region"), max_length=2, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40)

    objects = ScopedManager()

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        ordering = ("state", "name")

    def __str__(self) -> str:
        return f"{self.name} ({self.court_id})"


class DistrictApproval(Row):
    """That a provider may serve one kind in one district from a day to a day (11 U.S.C. 111(a), (b)).

    The first approval is probationary, six months at most; later ones last a year (28 CFR 58.14, 58.27).
    """

    scope: ClassVar = Scope.reference()
    privacy: ClassVar = {"reference": Privacy.PUBLIC}
    transitions: ClassVar = {"status": DISTRICT_APPROVAL_TRANSITIONS}

    provider = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="district_approvals"
    )
    district = models.ForeignKey(District, on_delete=models.PROTECT, related_name="approvals")
    kind = models.CharField(_("service"), max_length=2, choices=CourseKind)
    status = models.CharField(
        _("status"), max_length=20, choices=DistrictApprovalStatus, default=DistrictApprovalStatus.PROBATIONARY
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"))
    reference = models.CharField(_("reference of the approval letter"), max_length=80, blank=True)

    objects: ClassVar = models.Manager.from_queryset(DistrictApprovalQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("district approval")
        verbose_name_plural = _("district approvals")
        ordering = ("provider", "district", "kind", "-valid_from")
        constraints = (
            models.CheckConstraint(condition=Q(valid_to__gt=F("valid_from")), name="approval_ends_after_it_begins"),
            models.UniqueConstraint(
                fields=["provider", "district", "kind", "valid_from"], name="one_approval_per_district_and_start"
            ),
        )
        indexes = (models.Index(fields=["district", "kind", "valid_to"], name="approval_by_district"),)

    def __str__(self) -> str:
        return f"{self.district_id} {self.kind}"


class ProviderApplication(Row):
    """Someone asks to become a provider. Anyone may write one; the platform decides."""

    scope: ClassVar = Scope.platform(open_insert=True)
    privacy: ClassVar = {
        "organization_name": Privacy.INTERNAL,
        "contact_name": Privacy.PERSONAL,
        "contact_email": Privacy.PERSONAL,
        "contact_phone": Privacy.PERSONAL,
        "website": Privacy.INTERNAL,
        "kinds": Privacy.INTERNAL,
        "court_ids": Privacy.INTERNAL,
        "message": Privacy.INTERNAL,
        "decision_note": Privacy.INTERNAL,
        "source_ip": Privacy.PERSONAL,
    }
    transitions: ClassVar = {"status": APPLICATION_TRANSITIONS}

    organization_name = models.CharField(_("legal name of the organization"), max_length=200)
    contact_name = models.CharField(_("your name"), max_length=120)
    contact_email = models.EmailField(_("your e-mail"))
    contact_phone = models.CharField(_("phone"), max_length=40, blank=True)
    website = models.URLField(_("website"), blank=True)
    is_nonprofit = models.BooleanField(
        _("we are a nonprofit organization"), default=False, help_text=_("Required for credit counseling.")
    )
    kinds = ArrayField(models.CharField(max_length=2), verbose_name=_("services"), default=list)
    court_ids = ArrayField(models.CharField(max_length=8), verbose_name=_("districts"), default=list)
    message = models.TextField(_("anything we should know"), blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=ApplicationStatus, default=ApplicationStatus.SUBMITTED
    )
    decision_note = models.TextField(_("note on the decision"), blank=True)
    source_ip = models.GenericIPAddressField(null=True, blank=True, editable=False)
    provider = models.OneToOneField(
        "organizations.Organization",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="application",
    )

    history = history(excluded=("source_ip",))

    class Meta:
        verbose_name = _("provider application")
        verbose_name_plural = _("provider applications")
        ordering = ("-created_at", "id")
        permissions = (("decide_providerapplication", "Can decide about a provider application"),)

    def __str__(self) -> str:
        return self.organization_name
