"""Organizations, their profiles, who belongs to them, and who is invited."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language
from audit.witness import witness
from core.history import history
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from organizations.enums import (
    APPROVAL_TRANSITIONS,
    INVITATION_TRANSITIONS,
    MEMBERSHIP_TRANSITIONS,
    TIME_ZONES,
    ApprovalStatus,
    Capability,
    InvitationStatus,
    InvitedRole,
    MembershipStatus,
    Role,
)
from organizations.querysets import InvitationQuerySet, MembershipQuerySet, OrganizationQuerySet
from organizations.triggers import ROLE_SHAPE


class Organization(Row):
    """A provider, law firm, sponsor or employer: one table, capability flags, and a profile per capability."""

    searched: ClassVar = True
    scope: ClassVar = Scope(organization="self", reached_by=("provider_profile", "firm_enrollments"), auth=True)
    privacy: ClassVar = dict.fromkeys(("name", "slug", "email", "phone", "time_zone"), Privacy.PUBLIC)

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("address name"), max_length=80, unique=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    time_zone = models.CharField(
        _("time zone"),
        max_length=40,
        choices=TIME_ZONES,
        default="America/New_York",
        help_text=_("Days of reports and moments in exports are those of this zone."),
    )
    is_provider = models.BooleanField(_("counseling provider"), default=False)
    is_firm = models.BooleanField(_("law firm"), default=False)
    is_sponsor = models.BooleanField(_("sponsor"), default=False)
    is_employer = models.BooleanField(_("employer"), default=False)
    requires_second_factor = models.BooleanField(
        _("staff need a second step"),
        default=False,
        help_text=_("Everyone with a role here sets up a code app or a passkey before going on, at their next click."),
    )

    objects: ClassVar = models.Manager.from_queryset(OrganizationQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        ordering = ("name", "id")
        permissions = (("audit_organization", "Can read everything of the organization"),)

    def __str__(self) -> str:
        return self.name

    @property
    def capabilities(self) -> frozenset[str]:
        """What the organization does here, as `Capability` values."""
        return frozenset(value for value in Capability.values if getattr(self, f"is_{value}"))


class ProviderProfile(Row):
    """What a counseling provider tells its clients and the platform. Public once approved and active."""

    scope: ClassVar = Scope(
        organization="organization", public={"approval_status": ApprovalStatus.APPROVED.value, "is_active": True}
    )
    privacy: ClassVar = dict.fromkeys(
        (
            "legal_name",
            "agency_number",
            "about_en",
            "about_es",
            "help_phone",
            "help_hours",
            "help_hours_es",
            "languages",
            "funding",
            "funding_es",
            "counselor_qualifications",
            "counselor_qualifications_es",
            "refund_policy",
            "refund_policy_es",
        ),
        Privacy.PUBLIC,
    )
    transitions: ClassVar = {"approval_status": APPROVAL_TRANSITIONS}

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="provider_profile")
    legal_name = models.CharField(
        _("legal name"),
        max_length=200,
        help_text=_("Printed on certificates exactly as approved (28 CFR 58.22, 58.35)."),
    )
    agency_number = models.CharField(
        _("agency number"),
        max_length=6,
        blank=True,
        help_text=_("The number that leads the official certificate numbers."),
    )
    approval_status = models.CharField(
        _("approval"), max_length=20, choices=ApprovalStatus, default=ApprovalStatus.UNDER_REVIEW
    )
    is_active = models.BooleanField(_("active"), default=False)
    about_en = models.TextField(_("about, English"), blank=True)
    about_es = models.TextField(_("about, Spanish"), blank=True)
    languages = ArrayField(models.CharField(max_length=40), verbose_name=_("languages"), default=list, blank=True)
    help_phone = models.CharField(_("help line"), max_length=40, blank=True)
    help_hours = models.CharField(_("help hours"), max_length=120, blank=True)
    help_hours_es = models.CharField(_("help hours, Spanish"), max_length=120, blank=True)
    fee_cents = models.PositiveIntegerField(
        _("course fee in cents"), null=True, blank=True, help_text=_("Empty: the platform's default fee. At most 5000.")
    )
    is_nonprofit = models.BooleanField(
        _("nonprofit"), default=False, help_text=_("Required for credit counseling (11 U.S.C. 111(c)(2)).")
    )
    funding = models.TextField(_("funding sources"), blank=True)
    funding_es = models.TextField(_("funding sources, Spanish"), blank=True)
    counselor_qualifications = models.TextField(_("counselor qualifications"), blank=True)
    counselor_qualifications_es = models.TextField(_("counselor qualifications, Spanish"), blank=True)
    refund_policy = models.TextField(_("refund policy"), blank=True)
    refund_policy_es = models.TextField(_("refund policy, Spanish"), blank=True)
    negotiates_repayment = models.BooleanField(_("negotiates repayment schedules (11 U.S.C. 502(k))"), default=False)
    simulates_numbers = models.BooleanField(
        _("simulated certificate numbers"),
        default=False,
        help_text=_("For demonstrations only: certificates are marked as simulated and were not issued through CGS."),
    )
    issues_automatically = models.BooleanField(_("issue certificates automatically"), default=True)

    history = history()

    class Meta:
        verbose_name = _("provider profile")
        verbose_name_plural = _("provider profiles")
        ordering = ("legal_name", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(fee_cents__isnull=True) | Q(fee_cents__lte=5000), name="provider_fee_capped"
            ),
        )

    def __str__(self) -> str:
        return self.legal_name


class FirmProfile(Row):
    """What a law firm tells the platform."""

    scope: ClassVar = Scope(organization="organization")
    privacy: ClassVar = {"legal_name": Privacy.PUBLIC, "bar_state": Privacy.PUBLIC, "bar_number": Privacy.INTERNAL}

    organization = models.OneToOneField(Organization, on_delete=models.PROTECT, related_name="firm_profile")
    legal_name = models.CharField(_("legal name"), max_length=200)
    bar_state = models.CharField(_("bar state"), max_length=2, blank=True)
    bar_number = models.CharField(_("bar number"), max_length=40, blank=True)

    history = history()

    class Meta:
        verbose_name = _("firm profile")
        verbose_name_plural = _("firm profiles")
        ordering = ("legal_name", "id")

    def __str__(self) -> str:
        return self.legal_name


class Membership(Row):
    """A person in an organization, with exactly one role that fits the organization's capabilities."""

    scope: ClassVar = Scope(organization="organization", person="user", person_writes=False, auth=True)
    transitions: ClassVar = {"status": MEMBERSHIP_TRANSITIONS}

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=32, choices=Role)
    status = models.CharField(_("status"), max_length=16, choices=MembershipStatus, default=MembershipStatus.ACTIVE)

    objects: ClassVar = models.Manager.from_queryset(MembershipQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("organization", "user", "id")
        constraints = (
            models.UniqueConstraint(fields=["user", "organization"], name="one_membership_per_organization"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        )
        triggers = (
            ROLE_SHAPE, witness("organizations.membership", "role", "status", home="line.organization_id")
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"


class Invitation(Row):
    """A promise that an e-mail address may sign up in one role. Only a digest of the token is kept.

    `organization` is where the role will hold (none for clients and platform administrators); `sent_for` is the
    organization that sent the invitation and may see, refresh and revoke it. `sent_at` is when the present link went
    out by mail; empty when it was handed over by hand, so that holding it proves nothing about the mailbox.
    """

    scope: ClassVar = Scope(organization="organization", also=("sent_for",), key="token_hash", auth=True)
    privacy: ClassVar = {"email": Privacy.PERSONAL, "token_hash": Privacy.SECRET}
    transitions: ClassVar = {"status": INVITATION_TRANSITIONS}

    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=32, choices=InvitedRole)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, db_index=False, related_name="invitations"
    )
    sent_for = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, editable=False, db_index=False,
        related_name="sent_invitations",
    )  # fmt: skip
    language = models.CharField(_("language"), max_length=5, choices=Language, default=Language.ENGLISH)
    status = models.CharField(_("status"), max_length=16, choices=InvitationStatus, default=InvitationStatus.PENDING)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    closed_at = models.DateTimeField(_("accepted or revoked"), null=True, blank=True, editable=False)

    objects: ClassVar = models.Manager.from_queryset(InvitationQuerySet)()
    history = history(excluded=("token_hash",))

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-created_at", "id")
        indexes = (
            models.Index(fields=["organization", "-created_at", "id"], name="invitation_by_organization"),
            models.Index(fields=["sent_for", "-created_at", "id"], name="invitation_by_sender"),
            models.Index(fields=["-created_at", "id"], name="invitation_newest"),
        )
        constraints = (
            models.UniqueConstraint(
                Lower("email"), "role", "organization", "sent_for",
                name="one_open_invitation", condition=Q(status="pending"), nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(role__in=InvitedRole.values), name="invitation_role_known"),
        )  # fmt: skip
        triggers = (ROLE_SHAPE,)

    def __str__(self) -> str:
        return f"{self.email} · {self.get_role_display()}"

    @property
    def inviter_name(self) -> str:
        """The name of the person who invites; empty when the system does."""
        person = self.invited_by
        return person.get_full_name() if person is not None and not person.is_process else ""
