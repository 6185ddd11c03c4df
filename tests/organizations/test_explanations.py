"""UX-28, ENT-W02: an explanation gives the answer of the permission check, and the rule behind it."""

from __future__ import annotations

import pytest
from django.utils import translation

from core.context import ANONYMOUS, acting
from core.errors import DomainError
from organizations.actors import load_actor
from organizations.backends import allows
from organizations.enums import MembershipStatus
from organizations.explanations import Explanation, explain
from organizations.models import Membership
from tests.database import as_system
from tests.factories.names import World

pytestmark = pytest.mark.django_db

REVOKE = "certificates.revoke_certificate"


def ask(world: World, person: str, permission: str, row: str = "", **more) -> Explanation:
    """What a platform administrator is told about somebody."""
    with as_system():
        asker, actor = load_actor(world.platform_admin), load_actor(getattr(world, person))
        found = getattr(world, row) if row else None
    with acting(asker):
        return explain(actor, permission, found, **more)


@pytest.mark.parametrize(
    ("person", "permission", "row", "rule", "words"),
    [
        ("platform_admin", REVOKE, "certificate_b", "platform_role", "in every organization"),
        ("provider_admin_a", REVOKE, "certificate_a", "membership", "Provider A"),
        ("auditor", "certificates.view_certificate", "certificate_a", "grant", "explicit grant"),
        ("counselor_a", REVOKE, "certificate_a", "role_lacks", "“Counselor” does not include"),
        ("platform_support", REVOKE, "certificate_a", "role_lacks", "does not include"),
        ("provider_admin_a", REVOKE, "certificate_b", "not_reached", "reaches this record"),
        ("stranger", REVOKE, "", "not_reached", "has no role"),
        ("provider_admin_a", "organizations.grant_access", "provider_a", "platform_only", "platform’s own staff"),
        ("attorney_a", "enrollments.complete_enrollment", "firm_a", "capability", "not done by Firm A"),
    ],
)
def test_the_deciding_rule_is_named(
    world: World, person: str, permission: str, row: str, rule: str, words: str
) -> None:
    answer = ask(world, person, permission, row)
    assert (answer.rule, words in answer.sentence) == (rule, True), answer
    assert bool(answer.remedy) is not answer.allowed


def test_a_suspended_membership_is_named_with_who_can_end_it(world: World) -> None:
    with as_system():
        Membership.objects.filter(user=world.provider_admin_a).update(status=MembershipStatus.SUSPENDED)
    answer = ask(world, "provider_admin_a", REVOKE, "certificate_a")
    assert (answer.allowed, answer.rule) == (False, "suspended")
    assert "Provider A" in answer.remedy


def test_the_state_of_the_record_counts_for_those_who_may(world: World) -> None:
    refusal = DomainError("interaction_required")
    assert ask(world, "provider_admin_a", REVOKE, "certificate_a", refusal=refusal).rule == "state"
    assert ask(world, "counselor_a", REVOKE, "certificate_a", refusal=refusal).rule == "role_lacks"


def test_nobody_signed_in_is_told_so(world: World) -> None:
    assert explain(ANONYMOUS, REVOKE).rule == "signed_out"


def test_an_explanation_speaks_spanish(world: World) -> None:
    with translation.override("es"):
        assert "no incluye esto" in ask(world, "counselor_a", REVOKE, "certificate_a").sentence


def test_the_answer_is_that_of_the_permission_check(world: World) -> None:
    permissions = ("certificates.view_certificate", REVOKE, "payments.refund_payment", "jobs.rerun_job")
    rows = ("certificate_a", "certificate_b", "payment_a", "job_a", "provider_b", "platform_job")
    people = ("platform_support", "platform_finance", "provider_admin_a", "counselor_a", "attorney_a", "auditor",
              "two_hats", "client_user_a", "stranger")  # fmt: skip
    with as_system():
        actors = [load_actor(getattr(world, person)) for person in people]
        found = [None, *(getattr(world, row) for row in rows)]
        told = [
            (actor.label, permission, row)
            for actor in actors
            for permission in permissions
            for row in found
            if explain(actor, permission, row).allowed is not allows(actor, permission, row)
        ]
    assert told == []
