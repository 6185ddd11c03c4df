"""Payments, refunds, disputes, waivers, and what the gateway told us. Amounts are cents."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models import ApprovalRequest
from audit.witness import witness
from core import clock
from core.history import history
from core.links import HomeKey, SameHome, home_trigger
from core.models import Row
from core.money import format_minor
from core.privacy import Privacy
from core.scope import Scope
from enrollments.models import Enrollment, Household
from organizations.models import Organization
from payments.enums import (
    DISPUTE_TRANSITIONS,
    PAYMENT_TRANSITIONS,
    REFUND_TRANSITIONS,
    WAIVER_TRANSITIONS,
    BankReason,
    DisputeDecision,
    DisputeStatus,
    PaymentSource,
    PaymentStatus,
    RefundCause,
    RefundMethod,
    RefundStatus,
    WaiverClass,
    WaiverStatus,
)
from payments.querysets import DisputeQuerySet, PaymentQuerySet, WaiverQuerySet

NEVER_DELETED = pgtrigger.Protect(name="money_is_never_deleted", operation=pgtrigger.Delete)
FIXED_AT_BIRTH = pgtrigger.ReadOnly(
    name="payment_fixed_at_birth",
    fields=["amount_cents", "currency", "provider", "enrollment", "source", "idempotency_key"],
)
ARRIVED_STAYS = pgtrigger.Protect(
    name="payment_arrived_stays",
    operation=pgtrigger.Update,
    condition=pgtrigger.Q(old__succeeded_at__isnull=False)
    & pgtrigger.Q(old__succeeded_at__df=pgtrigger.F("new__succeeded_at")),
)
HOME_OF_A_REFUND = "(SELECT provider_id FROM payments_payment WHERE id = line.payment_id)"
REFUND_FIXED_AT_BIRTH = pgtrigger.ReadOnly(
    name="refund_fixed_at_birth",
    fields=["payment", "amount_cents", "idempotency_key", "method", "reference", "approval"],
)
# The payment is locked first, so that two transactions which do not see each other's refunds cannot both pass.
NEVER_MORE_THAN_PAID = pgtrigger.Trigger(
    name="refunds_never_exceed_payment",
    operation=pgtrigger.Insert | pgtrigger.Update,
    when=pgtrigger.After,
    declare=[("paid", "bigint"), ("given", "bigint")],
    func="""
        SELECT amount_cents INTO paid FROM payments_payment WHERE id = NEW.payment_id FOR UPDATE;
        SELECT coalesce(sum(amount_cents), 0) INTO given FROM payments_refund
         WHERE payment_id = NEW.payment_id AND status <> 'failed';
        IF given > coalesce(paid, 0) THEN
            RAISE EXCEPTION 'refunds of % exceed the payment of %', given, paid USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    """,
)
_APPROVAL_HOME = (
    "(SELECT a.organization_id = p.provider_id FROM approvals_approvalrequest a, payments_payment p"
    " WHERE a.id = NEW.approval_id AND p.id = NEW.payment_id)"
)
REFUND_APPROVAL_HOME = home_trigger(
    "refund_approval_home", column="approval_id", beside="payment_id", holds=_APPROVAL_HOME
)
LINE_APPROVAL_HOME = home_trigger("line_approval_home", column="approval_id", beside="payment_id", holds=_APPROVAL_HOME)
LINE_REFUND_HOME = home_trigger(
    "line_refund_home",
    column="refund_id",
    beside="payment_id",
    holds="(SELECT r.payment_id = NEW.payment_id FROM payments_refund r WHERE r.id = NEW.refund_id)",
)

# The moment a refund reached its end, by the clock of the save that brought it there, once and for all.
KNOWS_WHEN = pgtrigger.Trigger(
    name="refund_knows_when",
    operation=pgtrigger.Insert | pgtrigger.Update,
    when=pgtrigger.Before,
    func="""
        IF TG_OP = 'UPDATE' THEN
            NEW.succeeded_at := coalesce(OLD.succeeded_at, NEW.succeeded_at);
            NEW.failed_at := coalesce(OLD.failed_at, NEW.failed_at);
        END IF;
        IF NEW.status = 'succeeded' AND NEW.succeeded_at IS NULL THEN NEW.succeeded_at := NEW.updated_at; END IF;
        IF NEW.status = 'failed' AND NEW.failed_at IS NULL THEN NEW.failed_at := NEW.updated_at; END IF;
        RETURN NEW;
    """,
)


class Payment(Row):
    """Money for an enrollment, or for its whole household, so both spouses see it.

    Id and `idempotency_key` follow from the enrollment, the attempt and what is asked of the gateway, so that a
    request which dies after the gateway answered finds the same card page when it is repeated. Whose money it is, how
    much and from where never changes; neither does the moment it arrived.
    """

    scope: ClassVar = Scope(organization="provider", person="enrollment__client__user", parent="household")
    privacy: ClassVar = {
        "currency": Privacy.PUBLIC,
        "idempotency_key": Privacy.INTERNAL,
        "checkout_session_id": Privacy.INTERNAL,
        "checkout_url": Privacy.SECRET,
        "payment_intent_id": Privacy.INTERNAL,
        "failure": Privacy.INTERNAL,
        "note": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": PAYMENT_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payments")
    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="payments")
    household = models.ForeignKey(Household, on_delete=models.PROTECT, null=True, blank=True, related_name="payments")
    amount_cents = models.PositiveIntegerField(_("amount in cents"))
    refunded_cents = models.PositiveIntegerField(_("refunded in cents"), default=0)
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    source = models.CharField(_("source"), max_length=8, choices=PaymentSource, default=PaymentSource.CARD)
    status = models.CharField(_("status"), max_length=10, choices=PaymentStatus, default=PaymentStatus.CREATED)
    idempotency_key = models.CharField(max_length=80, unique=True)
    checkout_session_id = models.CharField(_("checkout session"), max_length=120, blank=True, db_index=True)
    checkout_url = models.TextField(blank=True)
    payment_intent_id = models.CharField(_("payment intent"), max_length=120, blank=True, db_index=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)
    succeeded_at = models.DateTimeField(_("succeeded"), null=True, blank=True)
    asked_at = models.DateTimeField(_("gateway last asked"), null=True, blank=True, editable=False)

    objects: ClassVar = models.Manager.from_queryset(PaymentQuerySet)()
    history = history(excluded=("checkout_url",))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("-created_at", "id")
        permissions = (
            ("import_payment", "Can import payments"),
            ("export_payment", "Can export payments"),
            ("record_payment", "Can record a payment by hand"),
            ("refund_payment", "Can refund a payment"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(refunded_cents__lte=models.F("amount_cents")), name="refund_at_most_paid"
            ),
            HomeKey(fields=["id", "provider"], name="payment_home"),
            SameHome(relation="enrollment", home="provider", name="payment_enrollment_home"),
            SameHome(relation="household", home="provider", name="payment_household_home"),
        )
        triggers = (
            NEVER_DELETED, FIXED_AT_BIRTH, ARRIVED_STAYS, witness("payments.payment", "status", home="line.provider_id")
        )  # fmt: skip
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="payment_by_provider"),
            models.Index(fields=["-created_at", "id"], name="payment_newest"),
            models.Index(fields=["provider", "status", "-created_at", "id"], name="payment_by_status"),
            models.Index(fields=["status", "-created_at", "id"], name="payment_status_newest"),
            models.Index(fields=["provider", "succeeded_at"], name="payment_by_arrival"),
        )

    def __str__(self) -> str:
        return f"{self.amount_cents / 100:.2f} {self.currency} · {self.get_status_display()}"


class Refund(Row):
    """Money given back. The row is committed before the gateway is asked; its key never changes. One `by hand` is given
    back by the organization itself, whatever way the payment came, and `reference` says how."""

    scope: ClassVar = Scope.through("payment", person_writes=False)
    privacy: ClassVar = {
        "reason": Privacy.INTERNAL,
        "reference": Privacy.INTERNAL,
        "idempotency_key": Privacy.INTERNAL,
        "gateway_id": Privacy.INTERNAL,
        "failure": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": REFUND_TRANSITIONS}

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount_cents = models.PositiveIntegerField(_("amount in cents"))
    method = models.CharField(_("way back"), max_length=8, choices=RefundMethod, default=RefundMethod.CARD)
    cause = models.CharField(_("cause"), max_length=12, choices=RefundCause, default=RefundCause.OTHER)
    reason = models.TextField(_("reason"), blank=True)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    notifies_client = models.BooleanField(_("the client gets a mail"), default=True)
    approval = models.ForeignKey(
        ApprovalRequest, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="refunds",
        verbose_name=_("approved by"),
    )  # fmt: skip
    status = models.CharField(_("status"), max_length=10, choices=RefundStatus, default=RefundStatus.CREATED)
    idempotency_key = models.CharField(max_length=80, unique=True)
    gateway_id = models.CharField(_("gateway’s id"), max_length=120, blank=True, db_index=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True)
    succeeded_at = models.DateTimeField(_("succeeded"), null=True, blank=True, editable=False)
    failed_at = models.DateTimeField(_("failed"), null=True, blank=True, editable=False)

    history = history(excluded=("succeeded_at", "failed_at"))

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("-created_at", "id")
        permissions = (
            ("approve_refund", "Can approve a refund that somebody else asked for"),
            ("export_refund", "Can export refunds"),
        )
        constraints = (
            models.CheckConstraint(condition=Q(amount_cents__gt=0), name="refund_is_positive"),
            HomeKey(fields=["id", "payment"], name="refund_home"),
        )
        triggers = (
            NEVER_DELETED, REFUND_FIXED_AT_BIRTH, REFUND_APPROVAL_HOME, NEVER_MORE_THAN_PAID, KNOWS_WHEN,
            witness("payments.refund", "status", home=HOME_OF_A_REFUND),
        )  # fmt: skip
        indexes = (
            models.Index(fields=["-created_at", "id"], name="refund_newest"),
            models.Index(fields=["succeeded_at"], name="refund_by_moment"),
        )

    def __str__(self) -> str:
        return format_minor(self.amount_cents, self.payment.currency)


class BulkRefundLine(Row):
    """What became of one payment in a bulk refund: a refund, a request for approval, or the code of a refusal. `run`
    names the bulk refund, so that sending the same form twice changes nothing."""

    scope: ClassVar = Scope.through("payment", append_only=True, person_writes=False)
    privacy: ClassVar = {"code": Privacy.INTERNAL, "sentence": Privacy.INTERNAL}

    run = models.UUIDField(_("bulk refund"), db_index=True)
    position = models.PositiveSmallIntegerField(_("position"))
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, related_name="bulk_refund_lines", verbose_name=_("payment")
    )
    amount_cents = models.PositiveIntegerField(_("amount in cents"), default=0)
    refund = models.ForeignKey(Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey(ApprovalRequest, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(_("code"), max_length=60, blank=True)
    sentence = models.CharField(_("result"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("line of a bulk refund")
        verbose_name_plural = _("lines of bulk refunds")
        ordering = ("run", "position")
        constraints = (models.UniqueConstraint(fields=["run", "payment"], name="one_line_per_payment"),)
        triggers = (LINE_REFUND_HOME, LINE_APPROVAL_HOME)

    def __str__(self) -> str:
        return f"{self.run} #{self.position}"


class Dispute(Row):
    """A bank asks for a client's money back. While it is open, refunds of the payment are on hold; lost, the money is
    gone. `is_inquiry` is a question that holds no money yet. The gateway's word decides; ours are `decision`,
    `evidence` and `note`."""

    scope: ClassVar = Scope.through("payment", person_writes=False)
    privacy: ClassVar = {
        "gateway_id": Privacy.INTERNAL,
        "currency": Privacy.PUBLIC,
        "cause": Privacy.INTERNAL,
        "evidence": Privacy.SENSITIVE,
        "note": Privacy.INTERNAL,
        "failure": Privacy.INTERNAL,
    }
    transitions: ClassVar = {"status": DISPUTE_TRANSITIONS}

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("payment"))
    gateway_id = models.CharField(_("gateway’s id"), max_length=120, unique=True)
    amount_cents = models.PositiveIntegerField(_("amount in cents"))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    cause = models.CharField(_("the bank’s reason"), max_length=60, blank=True)
    status = models.CharField(_("status"), max_length=16, choices=DisputeStatus, default=DisputeStatus.NEEDS_RESPONSE)
    is_inquiry = models.BooleanField(_("inquiry only"), default=False)
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("answer due"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    decision = models.CharField(
        _("what we do"), max_length=8, choices=DisputeDecision, default=DisputeDecision.NONE, blank=True
    )
    evidence = models.TextField(_("our answer"), blank=True)
    note = models.TextField(_("note"), blank=True)
    failure = models.CharField(_("failure"), max_length=200, blank=True)

    objects: ClassVar = models.Manager.from_queryset(DisputeQuerySet)()
    history = history(excluded=("evidence",))

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ("-opened_at", "id")
        permissions = (("answer_dispute", "Can answer or accept a dispute"),)
        triggers = (NEVER_DELETED,)

    @property
    def bank_reason(self) -> str:
        """The bank's reason in words; a code that is not known stands as it came."""
        return str(dict(BankReason.choices).get(self.cause, self.cause))

    def __str__(self) -> str:
        return f"{format_minor(self.amount_cents, self.currency)} · {self.payment.enrollment.client.full_name}"


class GatewayEvent(Row):
    """A verified event of the card gateway, kept before anything is done about it. One row per event id."""

    scope: ClassVar = Scope.platform(open_insert=True)
    privacy: ClassVar = {"event_id": Privacy.INTERNAL, "type": Privacy.INTERNAL, "payload": Privacy.SENSITIVE,
                         "outcome": Privacy.INTERNAL}  # fmt: skip

    event_id = models.CharField(_("event"), max_length=120, unique=True)
    type = models.CharField(_("type"), max_length=80)
    payload = models.JSONField()
    happened_at = models.DateTimeField(_("happened"))
    received_at = models.DateTimeField(_("received"), default=clock.now)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="gateway_events",
        verbose_name=_("payment"),
    )  # fmt: skip
    outcome = models.CharField(_("outcome"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("gateway event")
        verbose_name_plural = _("gateway events")
        ordering = ("-received_at", "id")
        indexes = (models.Index(fields=["-received_at", "id"], name="gateway_event_newest"),)

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class FeeWaiver(Row):
    """A request not to pay, or to pay less, with the worksheet it was judged by (28 CFR 58.21, 58.34).

    Below 150 % of the poverty guideline the inability to pay is presumed; the provider decides, before payment.
    """

    scope: ClassVar = Scope(organization="provider", person="enrollment__client__user")
    privacy: ClassVar = {"explanation": Privacy.SENSITIVE, "decision_note": Privacy.INTERNAL, "state": Privacy.INTERNAL}
    transitions: ClassVar = {"status": WAIVER_TRANSITIONS}

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="fee_waivers")
    enrollment = models.ForeignKey(Enrollment, on_delete=models.PROTECT, related_name="fee_waivers")
    status = models.CharField(_("status"), max_length=10, choices=WaiverStatus, default=WaiverStatus.REQUESTED)
    household_size = models.PositiveSmallIntegerField(_("people in the household"))
    annual_income_cents = models.PositiveBigIntegerField(_("household income a year, in cents"))
    state = models.CharField(_("state"), max_length=2)
    explanation = models.TextField(_("anything else we should know"), blank=True)
    threshold_cents = models.PositiveBigIntegerField(_("150 % of the guideline, in cents"))
    guideline_year = models.PositiveSmallIntegerField(_("guideline of"))
    is_presumed = models.BooleanField(_("inability to pay is presumed"))
    waiver_class = models.CharField(_("class"), max_length=20, choices=WaiverClass, blank=True)
    reduced_fee_cents = models.PositiveIntegerField(_("reduced fee in cents"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True, editable=False)
    decision_note = models.TextField(_("note on the decision"), blank=True)

    objects: ClassVar = models.Manager.from_queryset(WaiverQuerySet)()
    history = history(excluded=("explanation",))

    class Meta:
        verbose_name = _("fee waiver")
        verbose_name_plural = _("fee waivers")
        ordering = ("-created_at", "id")
        permissions = (
            ("decide_feewaiver", "Can decide about a fee waiver"),
            ("export_feewaiver", "Can export fee waivers"),
        )
        indexes = (
            models.Index(fields=["provider", "-created_at", "id"], name="waiver_by_provider"),
            models.Index(fields=["-created_at", "id"], name="waiver_newest"),
            models.Index(fields=["provider"], name="waiver_waiting", condition=Q(status="requested")),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["enrollment"], name="one_open_waiver", condition=Q(status__in=["requested", "granted"])
            ),
            SameHome(relation="enrollment", home="provider", name="waiver_enrollment_home"),
        )
        triggers = (witness("payments.feewaiver", "status", "reduced_fee_cents", home="line.provider_id"),)

    def __str__(self) -> str:
        return f"{self.enrollment} · {self.get_status_display()}"
