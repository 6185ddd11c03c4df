"""Requests and decisions as people make them, through row security."""

from __future__ import annotations

from typing import Any

from approvals.models import ApprovalRequest, ApprovalRule
from approvals.services.decisions import approve_request, deny_request
from payments.enums import RefundMethod
from payments.models import Payment
from payments.refund_plans import RefundPlan
from payments.services.giving_back import REFUND, GivenBack, give_back
from tests.database import as_system
from tests.factories import cases
from tests.factories.names import World
from tests.payments.people import acting_as, invited


def limited(world: World, cents: int, letter: str = "a") -> ApprovalRule:
    """The organization's limit for refunds."""
    with as_system():
        rule = ApprovalRule.objects.get(organization=getattr(world, f"provider_{letter}"), kind=REFUND)
        rule.limit_cents = cents
        rule.save()
    return rule


def paid(world: World, letter: str = "a", **fields: Any) -> Payment:
    """A card payment that has arrived."""
    enrollment = invited(world, letter)
    with as_system():
        return cases.make_payment(enrollment, payment_intent_id="pi_x", **fields)


def plan_for(payment: Payment, cents: int, **fields: Any) -> RefundPlan:
    return RefundPlan(lines=((payment.pk, cents),), reason="The client moved away", **fields)


def by_hand(payment: Payment, cents: int, reference: str = "Check 77") -> RefundPlan:
    return plan_for(payment, cents, method=RefundMethod.MANUAL, reference=reference)


def given_back(world: World, plan: RefundPlan, name: str = "provider_admin_a") -> GivenBack:
    with acting_as(world, name):
        return give_back(plan)


def asked(world: World, payment: Payment, cents: int = 2000, name: str = "provider_admin_a") -> ApprovalRequest:
    """A refund above the limit waits for another person."""
    limited(world, 1000)
    done = given_back(world, plan_for(payment, cents), name)
    assert done.approval is not None
    return done.approval


def approved(world: World, request: ApprovalRequest, name: str, note: str = "") -> ApprovalRequest:
    with acting_as(world, name):
        return approve_request(ApprovalRequest.objects.get(pk=request.pk), note=note)


def denied(world: World, request: ApprovalRequest, name: str, note: str = "Not now.") -> ApprovalRequest:
    with acting_as(world, name):
        return deny_request(ApprovalRequest.objects.get(pk=request.pk), note=note)
