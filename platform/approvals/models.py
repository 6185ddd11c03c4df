"""Requests for a second person's decision, the limits that call for them, and who stands in for whom."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from approvals.enums import DELEGATION_TRANSITIONS, REQUEST_TRANSITIONS, DelegationStatus, RequestStatus
from approvals.kinds import title_of
from approvals.querysets import DelegationQuerySet, RequestQuerySet
from core.history import history
from core.models import Row
from core.money import format_minor
from core.privacy import Privacy
from core.scope import Scope
from organizations.models import Organization

FIXED_WHEN_ASKED = pgtrigger.ReadOnly(
    name="request_fixed_when_asked",
    fields=["organization", "kind", "subject_type", "subject_id", "params", "amount_cents", "digest", "requester"],
)
DECIDED_ONCE = pgtrigger.Protect(
    name="request_decided_once",
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(old__status__in=["approved", "denied", "withdrawn", "expired"])
    & pgtrigger.Q(old__status__df=pgtrigger.F("new__status")),
)
NEVER_DELETED = pgtrigger.Protect(name="request_is_never_deleted", operation=pgtrigger.Delete)


class ApprovalRule(Row):
    """Up to which amount one person suffices for a kind of act in an organization; above it another must approve."""

    scope: ClassVar = Scope(organization="organization")
    privacy: ClassVar = {"kind": Privacy.INTERNAL}

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="approval_rules")
    kind = models.CharField(_("kind of act"), max_length=60)
    limit_cents = models.PositiveBigIntegerField(
        _("limit in cents"), help_text=_("Above this amount another person has to approve. 0: always.")
    )

    history = history()

    class Meta:
        verbose_name = _("approval limit")
        verbose_name_plural = _("approval limits")
        ordering = ("organization", "kind", "id")
        constraints = (models.UniqueConstraint(fields=["organization", "kind"], name="one_limit_per_kind"),)

    def __str__(self) -> str:
        return f"{title_of(self.kind)} · {format_minor(self.limit_cents)}"


class ApprovalRequest(Row):
    """One act that waits for another person. `params` say what is to be done, `digest` seals them together with the
    state of the world that was seen; neither changes. Names are kept as they were, because a reader may not be allowed
    to see the person's own row."""

    scope: ClassVar = Scope(organization="organization")
    privacy: ClassVar = {
        "kind": Privacy.INTERNAL,
        "subject_type": Privacy.INTERNAL,
        "subject_id": Privacy.INTERNAL,
        "subject_label": Privacy.PERSONAL,
        "params": Privacy.INTERNAL,
        "currency": Privacy.PUBLIC,
        "digest": Privacy.INTERNAL,
        "idempotency_key": Privacy.INTERNAL,
        "reason": Privacy.INTERNAL,
        "requester_name": Privacy.PERSONAL,
        "decider_name": Privacy.PERSONAL,
        "decision_note": Privacy.INTERNAL,
        "outcome": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": REQUEST_TRANSITIONS}

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="approval_requests"
    )
    kind = models.CharField(_("kind of act"), max_length=60)
    subject_type = models.CharField(_("kind of record"), max_length=80)
    subject_id = models.CharField(_("record"), max_length=64)
    subject_label = models.CharField(_("about"), max_length=200)
    params = models.JSONField(default=dict)
    amount_cents = models.PositiveBigIntegerField(_("amount in cents"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    digest = models.CharField(max_length=64, editable=False)
    idempotency_key = models.CharField(max_length=120, unique=True, editable=False)
    reason = models.TextField(_("reason"))
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requester_name = models.CharField(_("asked by"), max_length=254)
    status = models.CharField(_("status"), max_length=10, choices=RequestStatus, default=RequestStatus.PENDING)
    expires_at = models.DateTimeField(_("expires"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    decider_name = models.CharField(_("decided by"), max_length=254, blank=True, editable=False)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decision_note = models.TextField(_("comment"), blank=True)
    outcome = models.CharField(_("what followed"), max_length=300, blank=True, editable=False)

    objects: ClassVar = models.Manager.from_queryset(RequestQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("approval request")
        verbose_name_plural = _("approval requests")
        ordering = ("-created_at", "id")
        permissions = (
            ("decide_approvalrequest", "Can decide about what others ask for"),
            ("withdraw_approvalrequest", "Can take an own request back"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id"], name="one_open_approval", condition=Q(status="pending")
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requester")), name="nobody_decides_their_own"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "denied"]) | Q(decided_by__isnull=False),
                name="decision_has_a_name",
            ),
        )
        triggers = (FIXED_WHEN_ASKED, DECIDED_ONCE, NEVER_DELETED)
        indexes = (
            models.Index(fields=["organization", "-created_at", "id"], name="approval_by_organization"),
            models.Index(fields=["subject_type", "subject_id"], name="approval_subject"),
            models.Index(fields=["expires_at"], name="approval_pending", condition=Q(status="pending")),
        )

    def __str__(self) -> str:
        money = f" {self.money}" if self.amount_cents is not None else ""
        return f"{title_of(self.kind)}{money} · {self.subject_label}"

    @property
    def money(self) -> str:
        """The amount as people write it; empty for an act without one."""
        return "" if self.amount_cents is None else format_minor(self.amount_cents, self.currency)


class Delegation(Row):
    """One person stands in for another for a time: gets what they would have been asked, and may not decide what
    they ask for. `kind` empty: every kind. `organization` empty: a person of the platform, everywhere."""

    scope: ClassVar = Scope(organization="organization")
    privacy: ClassVar = {
        "kind": Privacy.INTERNAL,
        "reason": Privacy.INTERNAL,
        "giver_name": Privacy.PERSONAL,
        "taker_name": Privacy.PERSONAL,
    }
    transitions: ClassVar = {"status": DELEGATION_TRANSITIONS}

    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="delegations"
    )
    giver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, editable=False, related_name="+")
    giver_name = models.CharField(_("who is away"), max_length=254, editable=False)
    taker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("who stands in")
    )
    taker_name = models.CharField(_("who stands in"), max_length=254, editable=False)
    kind = models.CharField(_("kind of act"), max_length=60, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended early"), null=True, blank=True, editable=False)
    status = models.CharField(_("status"), max_length=8, choices=DelegationStatus, default=DelegationStatus.ACTIVE)
    reason = models.CharField(_("why"), max_length=200, blank=True)

    objects: ClassVar = models.Manager.from_queryset(DelegationQuerySet)()
    history = history()

    class Meta:
        verbose_name = _("stand-in")
        verbose_name_plural = _("stand-ins")
        ordering = ("-starts_at", "id")
        permissions = (("end_delegation", "Can end a delegation"),)
        constraints = (
            models.CheckConstraint(condition=~Q(giver=F("taker")), name="nobody_stands_in_for_themselves"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="delegation_ends_after_it_begins"),
        )

    def __str__(self) -> str:
        return f"{self.giver_name} → {self.taker_name}"
