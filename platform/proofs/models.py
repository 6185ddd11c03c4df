"""Nightly proofs, and the differences they found. Amounts are cents."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.history import history
from core.links import SameHome
from core.models import Row
from core.privacy import Privacy
from core.scope import Scope
from enrollments.models import Enrollment
from organizations.models import Organization
from payments.models import Payment, Refund
from proofs.enums import DIFFERENCE_TRANSITIONS, DifferenceKind, DifferenceStatus


class ProofRun(Row):
    """One comparison of our books with the gateway's, and of our books with themselves.

    `since` and `until` bound the gateway's rows that were read. `asked_gateway` is false where no card service is set
    up: then only our own books were checked. `unexplained` counts what was open when it ended.
    """

    scope: ClassVar = Scope.platform()
    privacy: ClassVar = {"failure": Privacy.INTERNAL}

    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    asked_gateway = models.BooleanField(_("the gateway was asked"), default=False)
    payments = models.PositiveIntegerField(_("payments compared"), default=0)
    refunds = models.PositiveIntegerField(_("refunds compared"), default=0)
    disputes = models.PositiveIntegerField(_("disputes compared"), default=0)
    enrollments = models.PositiveIntegerField(_("enrollments compared"), default=0)
    found = models.PositiveIntegerField(_("new differences"), default=0)
    gone = models.PositiveIntegerField(_("differences gone"), default=0)
    unexplained = models.PositiveIntegerField(_("unexplained"), default=0)

    class Meta:
        verbose_name = _("money proof")
        verbose_name_plural = _("money proofs")
        ordering = ("-created_at", "id")
        permissions = (("start_proofrun", "Can compare the books now"),)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"

    @property
    def compared(self) -> int:
        """How many rows of all kinds were compared."""
        return self.payments + self.refunds + self.disputes + self.enrollments


class ProofDifference(Row):
    """One thing that does not fit, found by a proof; `key` names it, so that it is one row however often it is seen.

    `ours` and `theirs` are states, `ours_cents` and `theirs_cents` amounts, empty where a side has nothing. It is fixed
    when a later proof does not see it any more, explained when a person says why it may stand.
    """

    scope: ClassVar = Scope(organization="provider")
    privacy: ClassVar = {
        "key": Privacy.INTERNAL,
        "gateway_id": Privacy.INTERNAL,
        "ours": Privacy.INTERNAL,
        "theirs": Privacy.INTERNAL,
        "explanation": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": DIFFERENCE_TRANSITIONS}

    key = models.CharField(max_length=200, unique=True, editable=False)
    kind = models.CharField(_("what"), max_length=32, choices=DifferenceKind)
    status = models.CharField(
        _("status"), max_length=10, choices=DifferenceStatus, default=DifferenceStatus.OPEN, editable=False
    )
    provider = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("provider")
    )
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("payment")
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("refund")
    )
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("enrollment")
    )
    gateway_id = models.CharField(_("gateway’s id"), max_length=120, blank=True)
    ours = models.CharField(_("in our books"), max_length=40, blank=True)
    theirs = models.CharField(_("at the gateway"), max_length=40, blank=True)
    ours_cents = models.BigIntegerField(_("our amount in cents"), null=True, blank=True)
    theirs_cents = models.BigIntegerField(_("their amount in cents"), null=True, blank=True)
    first_seen = models.ForeignKey(
        ProofRun, on_delete=models.PROTECT, related_name="first_differences", verbose_name=_("first seen")
    )
    last_seen = models.ForeignKey(
        ProofRun, on_delete=models.PROTECT, related_name="differences", verbose_name=_("last seen")
    )
    happened_at = models.DateTimeField(_("happened"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    explanation = models.TextField(_("explanation"), blank=True)

    history = history()

    class Meta:
        verbose_name = _("difference in the books")
        verbose_name_plural = _("differences in the books")
        ordering = ("-created_at", "id")
        permissions = (("fix_proofdifference", "Can fix or explain a difference in the books"),)
        constraints = (
            SameHome(relation="payment", home="provider", name="difference_payment_home"),
            SameHome(relation="refund", home="payment", name="difference_refund_home"),
            SameHome(relation="enrollment", home="provider", name="difference_enrollment_home"),
        )
        indexes = (
            models.Index(fields=["-created_at"], name="difference_open", condition=Q(status=DifferenceStatus.OPEN)),
        )

    def __str__(self) -> str:
        return str(self.get_kind_display())
