"""Another person decides, once, on what was seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, ProgrammingError, transaction

from approvals.enums import RequestStatus
from approvals.models import ApprovalRequest
from approvals.queries import inbox
from approvals.services.delegations import end_delegation, name_delegate
from approvals.services.notices import mail_token, read_token
from approvals.services.requests import withdraw_request
from core import clock
from core.context import current_actor
from core.errors import DomainError
from jobs.services import enqueue
from notifications.models import Message
from payments.models import Payment, Refund
from tests.approvals.people import approved, asked, by_hand, denied, given_back, limited, paid, plan_for
from tests.database import as_system
from tests.factories import money
from tests.factories.names import World
from tests.payments.people import acting_as, fresh
from tests.work import run_due

pytestmark = pytest.mark.django_db


def refusal_of(act: Callable[[], Any]) -> str:
    with pytest.raises(DomainError) as caught:
        act()
    return caught.value.code


def refunds_of(payment: Payment) -> list[Refund]:
    with as_system():
        return list(Refund.objects.filter(payment=payment))


def test_up_to_the_limit_one_person_suffices_and_above_it_another_is_asked(world: World) -> None:
    payment = paid(world)
    limited(world, 1000)

    assert len(given_back(world, plan_for(payment, 1000)).refunds) == 1
    assert given_back(world, plan_for(payment, 1)).approval is not None, "small parts of a large refund are large"
    assert len(refunds_of(payment)) == 1


def test_an_approved_refund_is_made_in_the_same_step_and_names_its_approval(world: World) -> None:
    """UX-21, ENT-W05."""
    payment = paid(world)
    request = asked(world, payment)
    assert refunds_of(payment) == []

    done = approved(world, request, "owner_a", note="Fine.")

    [refund] = refunds_of(payment)
    assert (refund.amount_cents, refund.approval_id) == (2000, request.pk)
    assert (done.status, done.decided_by_id, done.decision_note) == (
        RequestStatus.APPROVED, world.owner_a.pk, "Fine.",
    )  # fmt: skip
    assert "$20.00" in done.outcome


@pytest.mark.parametrize("name", ["provider_admin_a"])
def test_nobody_decides_their_own(world: World, name: str) -> None:
    request = asked(world, paid(world), name=name)

    assert refusal_of(lambda: approved(world, request, name)) == "approval_own"
    assert refusal_of(lambda: denied(world, request, name)) == "approval_own"
    with acting_as(world, name):
        assert not inbox().filter(pk=request.pk).exists()


@pytest.mark.parametrize("name", ["counselor_a", "platform_support"])
def test_who_lacks_the_right_decides_nothing(world: World, name: str) -> None:
    request = asked(world, paid(world))

    assert refusal_of(lambda: approved(world, request, name)) == "permission_denied"


def test_another_organization_does_not_even_see_the_request(world: World) -> None:
    request = asked(world, paid(world))

    with pytest.raises(ApprovalRequest.DoesNotExist):
        approved(world, request, "owner_b")


def test_who_stands_in_for_who_asked_does_not_decide_either(world: World) -> None:
    request = asked(world, paid(world))
    with acting_as(world, "provider_admin_a"):
        delegation = name_delegate(
            world.owner_a, organization=world.provider_a, starts_at=clock.now() - dt.timedelta(hours=1),
            ends_at=clock.now() + dt.timedelta(days=3),
        )  # fmt: skip

    assert refusal_of(lambda: approved(world, request, "owner_a")) == "approval_by_delegate"
    with acting_as(world, "provider_admin_a"):
        end_delegation(delegation)
    assert refusal_of(lambda: approved(world, request, "owner_a")) == "approval_by_delegate", (
        "it held while this waited"
    )
    assert approved(world, request, "platform_finance").status == RequestStatus.APPROVED


def test_what_changed_since_it_was_seen_is_not_approved(world: World) -> None:
    payment = paid(world)
    request = asked(world, payment)
    with as_system():
        Refund.objects.create(payment=payment, amount_cents=500, idempotency_key="elsewhere")

    assert refusal_of(lambda: approved(world, request, "owner_a")) == "approval_outdated"
    assert denied(world, request, "owner_a").status == RequestStatus.DENIED
    assert [refund.amount_cents for refund in refunds_of(payment)] == [500]


def test_a_denial_says_why_and_nothing_goes_back(world: World) -> None:
    payment = paid(world)
    request = asked(world, payment)

    assert refusal_of(lambda: denied(world, request, "owner_a", note=" ")) == "reason_required"
    denied(world, request, "owner_a")

    assert refunds_of(payment) == []
    assert refusal_of(lambda: approved(world, request, "platform_finance")) == "approval_decided"


def test_one_record_has_one_open_request_and_one_wish_asks_once(world: World) -> None:
    payment = paid(world)
    limited(world, 100)
    plan = plan_for(payment, 2000)
    first = given_back(world, plan).approval

    assert given_back(world, plan).approval == first
    assert refusal_of(lambda: given_back(world, plan_for(payment, 2000))) == "approval_open"
    with acting_as(world, "provider_admin_a"):
        withdraw_request(first)
    assert given_back(world, plan_for(payment, 2000)).approval is not None


def test_only_who_asked_takes_a_request_back(world: World) -> None:
    request = asked(world, paid(world))

    with acting_as(world, "owner_a"):
        assert refusal_of(lambda: withdraw_request(request)) == "approval_not_yours"


def test_a_request_expires_and_who_asked_is_told(world: World) -> None:
    payment = paid(world)
    with as_system():
        request = money.make_approval(payment, world.provider_admin_a, expires_at=clock.now() - dt.timedelta(minutes=1))
        enqueue("approvals.expire", dedupe_key="expire-now")

    assert refusal_of(lambda: approved(world, request, "owner_a")) == "approval_expired"
    run_due("approvals.expire", "approvals.tell_requester")

    assert fresh(request).status == RequestStatus.EXPIRED
    with as_system():
        assert Message.objects.get(event="approval.expired").to == world.provider_admin_a.email


def test_those_who_may_decide_get_a_mail_with_a_link_for_them_alone(world: World) -> None:
    request = asked(world, paid(world))
    run_due("approvals.tell_deciders")

    with as_system():
        [mail] = Message.objects.filter(event="approval.waiting", about_id=str(request.pk))
    assert mail.to == world.owner_a.email
    assert "$20.00" in mail.text_body
    assert "The client moved away" in mail.text_body
    token = mail.text_body.split("from-mail/?t=")[1].split()[0]
    assert read_token(token) == (request.pk.hex, world.owner_a.pk.hex)
    assert read_token(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert mail_token(request, world.owner_a)


def test_the_mail_goes_to_who_stands_in_for_one_who_is_away(world: World) -> None:
    with acting_as(world, "owner_a"):
        name_delegate(
            world.provider_admin_a, organization=world.provider_a, starts_at=clock.now(),
            ends_at=clock.now() + dt.timedelta(days=3),
        )  # fmt: skip
    asked(world, paid(world), name="platform_finance")
    run_due("approvals.tell_deciders")

    with as_system():
        told = set(Message.objects.filter(event="approval.waiting").values_list("to", flat=True))
    assert told == {world.provider_admin_a.email}


def test_where_nobody_else_may_decide_the_platform_is_asked(world: World) -> None:
    limited(world, 100, "b")
    with as_system():
        membership = world.owner_b.memberships.get()
        membership.status = "suspended"
        membership.save()
    given_back(world, plan_for(paid(world, "b"), 2000), "provider_admin_b")
    run_due("approvals.tell_deciders")

    with as_system():
        told = set(Message.objects.filter(event="approval.waiting").values_list("to", flat=True))
    assert world.platform_finance.email in told
    assert world.provider_admin_b.email not in told


@pytest.mark.parametrize(
    ("name", "code"), [("counselor_a", "delegate_not_able"), ("provider_admin_a", "delegate_self")]
)
def test_only_an_equal_stands_in(world: World, name: str, code: str) -> None:
    with acting_as(world, "provider_admin_a"):
        taker = getattr(world, name)
        until = clock.now() + dt.timedelta(days=3)
        named = lambda: name_delegate(taker, organization=world.provider_a, starts_at=clock.now(), ends_at=until)  # noqa: E731 -- one call, asked twice
        assert refusal_of(named) == code


def test_a_refund_by_hand_needs_its_reference_and_no_gateway(world: World) -> None:
    payment = paid(world)

    assert refusal_of(lambda: given_back(world, by_hand(payment, 2000, reference=" "))) == "refund_reference_needed"
    [refund] = given_back(world, by_hand(payment, 2000)).refunds

    assert (refund.status, refund.reference, fresh(payment).refunded_cents) == ("succeeded", "Check 77", 2000)
    assert run_due("payments.send_refund") == []


@pytest.mark.parametrize(
    "change",
    [{"amount_cents": 1}, {"digest": "0" * 64}, {"params": {}}, {"kind": "payments.other"}],
    ids=lambda change: next(iter(change)),
)
def test_what_was_asked_for_never_changes_not_even_by_the_worker(world: World, change: dict[str, Any]) -> None:
    with pytest.raises((InternalError, ProgrammingError), match="Cannot update"), as_system(), transaction.atomic():
        ApprovalRequest.objects.filter(pk=world.approval_a.pk).update(**change)


def test_the_database_itself_refuses_an_own_decision_and_a_second_one(world: World) -> None:
    request = asked(world, paid(world))
    with pytest.raises(IntegrityError, match="nobody_decides_their_own"), as_system(), transaction.atomic():
        ApprovalRequest.objects.filter(pk=request.pk).update(decided_by=world.provider_admin_a)
    approved(world, request, "owner_a")
    with pytest.raises((InternalError, ProgrammingError), match="Cannot update"), as_system(), transaction.atomic():
        ApprovalRequest.objects.filter(pk=request.pk).update(status=RequestStatus.DENIED)


def test_the_system_decides_nothing(world: World) -> None:
    request = asked(world, paid(world))

    with as_system():
        actor = current_actor()
        assert actor is not None
        assert actor.user_id is None
    assert fresh(request).status == RequestStatus.PENDING
