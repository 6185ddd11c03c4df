"""What hangs on money: disputes, bulk refunds, and what another person has to approve."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from accounts.models import User
from approvals.models import ApprovalRequest, ApprovalRule, Delegation
from approvals.services.sealing import digest_of
from core import clock
from organizations.models import Organization
from payments.models import BulkRefundLine, Dispute, Payment
from payments.refund_plans import RefundPlan
from payments.services.giving_back import REFUND


def make_dispute(payment: Payment, **fields: Any) -> Dispute:
    defaults = {
        "gateway_id": f"du_{uuid.uuid4().hex}", "amount_cents": payment.amount_cents, "cause": "fraudulent",
        "opened_at": clock.now(), "due_at": clock.now() + dt.timedelta(days=9),
    }  # fmt: skip
    return Dispute.objects.create(payment=payment, **defaults | fields)


def make_bulk_line(payment: Payment, **fields: Any) -> BulkRefundLine:
    defaults = {"run": uuid.uuid4(), "position": 1, "amount_cents": 1000, "code": "refund_not_possible"}
    return BulkRefundLine.objects.create(payment=payment, **defaults | fields)


def make_rule(organization: Organization, limit_cents: int = 1_000_000, kind: str = REFUND) -> ApprovalRule:
    return ApprovalRule.objects.create(organization=organization, kind=kind, limit_cents=limit_cents)


def make_approval(payment: Payment, requester: User, cents: int = 1000, **fields: Any) -> ApprovalRequest:
    """A request to give `cents` of a payment back, sealed as the service seals it."""
    plan = RefundPlan(lines=((payment.pk, cents),), reason="The client moved away")
    request = ApprovalRequest(
        **{
            "organization": payment.provider, "kind": REFUND, "subject_type": "payments.payment",
            "subject_id": str(payment.pk), "subject_label": payment.enrollment.client.full_name,
            "params": plan.as_params(), "amount_cents": cents, "reason": plan.reason, "requester": requester,
            "requester_name": str(requester), "idempotency_key": f"refund-{plan.key}",
            "expires_at": clock.now() + dt.timedelta(days=7),
        }
        | fields
    )  # fmt: skip
    request.digest = digest_of(request)
    request.save(force_insert=True)
    return request


def make_delegation(giver: User, taker: User, organization: Organization | None, **fields: Any) -> Delegation:
    defaults = {
        "giver_name": str(giver), "taker_name": str(taker), "starts_at": clock.now() - dt.timedelta(days=1),
        "ends_at": clock.now() + dt.timedelta(days=7),
    }  # fmt: skip
    return Delegation.objects.create(giver=giver, taker=taker, organization=organization, **defaults | fields)
