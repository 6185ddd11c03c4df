"""Give money back on a person's word: at once up to the organization's limit, above it when another person agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.kinds import ApprovalKind, Fact, declare_kind
from approvals.limits import limit_cents
from approvals.models import ApprovalRequest
from approvals.services.requests import request_approval
from core.errors import DomainError
from core.money import format_minor
from payments.enums import RefundMethod, RefundStatus
from payments.models import Payment, Refund
from payments.refund_plans import RefundPlan
from payments.services.receipts import receipt_number
from payments.services.refunds import decide_refunds, plan_refusal, refundable_cents

REFUND = "payments.refund"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What became of a plan: refunds, or the request that waits for another person."""

    refunds: Sequence[Refund] = ()
    approval: ApprovalRequest | None = None


def payments_of(plan: RefundPlan) -> list[Payment]:
    """The plan's payments in the order of their ids. Payment.DoesNotExist when one is out of sight."""
    found = list(Payment.objects.filter(pk__in=dict(plan.lines)).select_related("enrollment__client").order_by("pk"))
    if len(found) != len(plan.lines):
        raise Payment.DoesNotExist
    return found


def check_plan(plan: RefundPlan) -> list[Payment]:
    """The payments of a plan that can be carried out now. DomainError as `give_back` says."""
    if not plan.reason.strip():
        raise DomainError("reason_required")
    if not plan.lines:
        raise DomainError("refund_plan_empty")
    if plan.method == RefundMethod.MANUAL and not plan.reference.strip():
        raise DomainError("refund_reference_needed")
    payments = payments_of(plan)
    if len({payment.provider_id for payment in payments}) > 1:
        raise DomainError("refund_plan_mixed")
    wanted = dict(plan.lines)
    for payment in payments:
        refusal = plan_refusal(payment, wanted[payment.pk], plan)
        if refusal is not None:
            raise refusal
    return payments


def counted_cents(plan: RefundPlan, payments: Sequence[Payment]) -> int:
    """The amount that the limit is asked about: the plan's, and what went back of the same payments before on one
    person's word, so that a large refund in small parts is a large refund."""
    alone = Refund.objects.filter(payment__in=payments, approval=None).exclude(status=RefundStatus.FAILED)
    before = alone.exclude(pk__in=[plan.refund_id(payment.pk) for payment in payments])
    return plan.total_cents + (before.aggregate(total=Sum("amount_cents"))["total"] or 0)


def limit_exceeded(plan: RefundPlan, payments: Sequence[Payment], *, together_cents: int = 0) -> int | None:
    """The limit in cents that this plan, or what is wished together with it, exceeds; None when one person suffices."""
    limit = limit_cents(REFUND, payments[0].provider_id)
    return limit if limit is not None and max(counted_cents(plan, payments), together_cents) > limit else None


@transaction.atomic
def give_back(plan: RefundPlan, *, together_cents: int = 0) -> GivenBack:
    """Carry out the plan, or ask another person for it when it exceeds the organization's limit; `together_cents` is
    the sum of a bulk refund that the plan is part of.

    DomainError: `reason_required`, `refund_plan_empty`, `refund_plan_mixed`, `refund_reference_needed`,
    `approval_open`, and as `decide_refunds` says.
    """
    known = list(Refund.objects.filter(pk__in=[plan.refund_id(payment) for payment, _cents in plan.lines]))
    if known:
        return GivenBack(refunds=known)
    asked = ApprovalRequest.objects.filter(idempotency_key=f"refund-{plan.key}").first()
    if asked is not None:
        return GivenBack(approval=asked)
    # The limit counts earlier refunds of these payments, so they must stand still while it is asked.
    list(Payment.objects.locked().filter(pk__in=dict(plan.lines)))
    payments = check_plan(plan)
    if limit_exceeded(plan, payments, together_cents=together_cents) is None:
        return GivenBack(refunds=decide_refunds(plan))
    first = payments[0]
    approval = request_approval(
        REFUND,
        first,
        params=plan.as_params(),
        reason=plan.reason,
        idempotency_key=f"refund-{plan.key}",
        organization=first.provider_id,
        amount_cents=plan.total_cents,
        currency=first.currency,
        label=first.enrollment.client.full_name,
    )
    return GivenBack(approval=approval)


# --- what the approvals room asks of us ----------------------------------------------------------------------
def _facts(request: ApprovalRequest) -> list[Fact]:
    """What the decider reads: each payment, the way back, why, and whether the client is told."""
    plan = RefundPlan.from_params(request.params)
    wanted = dict(plan.lines)
    lines = [
        (
            _("Receipt %(number)s") % {"number": receipt_number(payment)},
            _("%(back)s of %(paid)s, of which %(left)s are left")
            % {
                "back": format_minor(wanted[payment.pk], payment.currency),
                "paid": format_minor(payment.amount_cents, payment.currency),
                "left": format_minor(refundable_cents(payment), payment.currency),
            },
        )
        for payment in payments_of(plan)
    ]
    way = str(plan.method.label) + (f" ({plan.reference})" if plan.reference else "")
    told = _("gets a mail") if plan.notify else _("is not told")
    return [
        (_("Client"), request.subject_label), *lines, (_("Way back"), way), (_("Cause"), str(plan.cause.label)),
        (_("The client"), told),
    ]  # fmt: skip


def _seen(request: ApprovalRequest) -> Mapping[str, Any]:
    """What makes it another refund when it changes: how each payment stands, and what is left of it."""
    plan = RefundPlan.from_params(request.params)
    return {
        str(payment.pk): [payment.status, payment.amount_cents, payment.currency, refundable_cents(payment)]
        for payment in payments_of(plan)
    }


def _carry_out(request: ApprovalRequest) -> str:
    refunds = decide_refunds(RefundPlan.from_params(request.params), approval=request)
    total = sum(refund.amount_cents for refund in refunds)
    return _("%(amount)s goes back to the client.") % {"amount": format_minor(total, request.currency)}


def declare() -> None:
    """Tell the approvals room about refunds; called once when the room is ready."""
    declare_kind(
        ApprovalKind(
            code=REFUND,
            title=gettext_lazy("Refund"),
            request_permission="payments.refund_payment",
            decide_permission="payments.approve_refund",
            facts=_facts,
            seen=_seen,
            carry_out=_carry_out,
        )
    )
