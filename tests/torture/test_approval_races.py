"""Maker and checker: one decision, by another person, on what was seen, whoever presses at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection

from approvals.enums import RequestStatus
from approvals.models import ApprovalRequest
from approvals.services import decisions
from approvals.services.decisions import approve_request, deny_request
from audit.services import record
from core.context import Actor, acting
from core.errors import DomainError
from organizations.actors import load_actor
from payments.models import Payment, Refund
from tests.approvals.people import asked, paid
from tests.database import Databases, as_system
from tests.factories import cases, money
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.torture.money import Books, books
from tests.trials import Trial

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["books", "fake"]
Decide = Callable[[ApprovalRequest], Any]
BAD = """
    SELECT a.id::text, count(r.id), a.decided_by_id = a.requester_id, a.status,
           (SELECT count(*) FROM audit_auditevent e WHERE e.target_id = a.id::text
             AND e.act IN ('approvalrequest.approved', 'approvalrequest.denied'))
      FROM approvals_approvalrequest a LEFT JOIN payments_refund r ON r.approval_id = a.id
     WHERE a.kind = 'payments.refund' GROUP BY a.id
"""


def judged(books: Books) -> list[str]:
    """Requests decided twice, by who asked, or with another number of refunds than their state allows."""
    found = []
    for key, refunds, own, status, decisions_made in books.rows(BAD):
        wanted = 1 if status == RequestStatus.APPROVED else 0
        decided = 1 if status in (RequestStatus.APPROVED, RequestStatus.DENIED) else 0
        if own or refunds != wanted or decisions_made != decided:
            found.append(f"{key}: {status}, {refunds} refunds, {decisions_made} decisions, own: {own}")
    return found


def press(actor: Actor, decide: Decide, request: ApprovalRequest, start: threading.Barrier, told: list[str]) -> None:
    """One person at their own connection, together with the others."""
    try:
        with acting(actor):
            row = ApprovalRequest.objects.get(pk=request.pk)
            start.wait(20)
            decide(row)
        told.append("done")
    except DomainError as refusal:
        told.append(refusal.code)
    except DatabaseError as error:
        told.append(type(error).__name__)
    finally:
        connection.close()


def race(request: ApprovalRequest, *presses: tuple[Actor, Decide]) -> list[str]:
    """All of them at once; what each was told."""
    told: list[str] = []
    start = threading.Barrier(len(presses))
    threads = [threading.Thread(target=press, args=(*each, request, start, told)) for each in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def approve(request: ApprovalRequest) -> None:
    approve_request(request, note="Race")


def deny(request: ApprovalRequest) -> None:
    deny_request(request, note="Race")


def people(world: World) -> dict[str, Actor]:
    names = ("owner_a", "platform_finance", "platform_admin", "provider_admin_a")
    with as_system():
        return {name: load_actor(getattr(world, name)) for name in names}


def edited_meanwhile(world: World, request: ApprovalRequest) -> None:
    """The payment moves on after it was seen."""
    with as_system():
        payment = Payment.objects.get(pk=request.subject_id)
        cases.make_refund(payment, 1)


def stands_in(world: World, request: ApprovalRequest) -> None:
    """Who asked names the owner to stand in."""
    with as_system():
        money.make_delegation(world.provider_admin_a, world.owner_a, world.provider_a)


Case = tuple[str, Callable[[World, ApprovalRequest], None] | None, tuple[tuple[str, Decide], ...], Counter[str]]


def races() -> Iterator[Case]:
    """Each shape of the race: its name, what happens before, who presses what, and what they must be told."""
    yield (
        "two approve",
        None,
        (("owner_a", approve), ("platform_finance", approve)),
        Counter(done=1, approval_decided=1),
    )
    yield (
        "approve and deny",
        None,
        (("owner_a", approve), ("platform_finance", deny)),
        Counter(done=1, approval_decided=1),
    )
    yield (
        "a crowd", None,
        (("owner_a", approve), ("platform_finance", deny), ("platform_admin", approve), ("provider_admin_a", approve)),
        Counter(done=1, approval_decided=3),
    )  # fmt: skip
    yield "own", None, (("provider_admin_a", approve), ("provider_admin_a", deny)), Counter(approval_own=2)
    yield (
        "edited",
        edited_meanwhile,
        (("owner_a", approve), ("platform_finance", approve)),
        Counter(approval_outdated=2),
    )


def told_right(told: list[str], wanted: Counter[str]) -> bool:
    """Who asked is told either that it is their own or that it is decided, as it happens."""
    heard = Counter(told)
    heard["approval_decided"] += heard.pop("approval_own", 0) if wanted["approval_decided"] == 3 else 0
    return +heard == wanted


@pytest.mark.torture("P-08")
def test_of_all_who_press_at_once_exactly_one_decides(
    world: World, fake: FakeStripe, books: Books, trial: Trial
) -> None:
    actors, violations, tried = people(world), [], 0
    for _ in range(trial.scale(fast=3, long=100)):
        for name, before, presses, wanted in races():
            request = asked(world, paid(world))
            if before is not None:
                before(world, request)
            told = race(request, *((actors[who], decide) for who, decide in presses))
            tried += 1
            violations += [] if told_right(told, wanted) else [f"{name}: {told}"]
    request = asked(world, paid(world))
    stands_in(world, request)
    told = race(request, (actors["owner_a"], approve), (actors["owner_a"], deny))
    violations += [] if told == ["approval_by_delegate"] * 2 else [f"delegate: {told}"]
    violations += judged(books)
    trial.report(n=tried + 1, violations=len(violations), what=violations[:5])


def decide_outside_the_lock(request: ApprovalRequest, to: RequestStatus, **changes: Any) -> ApprovalRequest:
    """The mistake: believe what was read before, and write."""
    request.status = to
    for name, value in changes["changes"].items():
        setattr(request, name, value)
    request.save()
    record(f"approvalrequest.{to}", request)
    return request


@pytest.mark.control("P-08")
def test_control_checks_outside_the_lock_let_two_decide(
    world: World, fake: FakeStripe, books: Books, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = people(world)
    request = asked(world, paid(world))
    books.run("ALTER TABLE approvals_approvalrequest DISABLE TRIGGER USER")
    monkeypatch.setattr(decisions, "_locked", lambda row: row)
    monkeypatch.setattr(decisions, "transition", decide_outside_the_lock)

    told = race(request, (actors["owner_a"], approve), (actors["platform_finance"], deny))

    assert told == ["done", "done"]
    assert judged(books) != []


def test_approving_twice_in_a_row_makes_one_refund(world: World) -> None:
    """So that the race is not the only thing that keeps it."""
    actors = people(world)
    request = asked(world, paid(world))
    with acting(actors["owner_a"]):
        approve(request)
    with acting(actors["platform_finance"]), pytest.raises(DomainError, match="closed already"):
        approve(request)
    with as_system():
        assert Refund.objects.filter(approval=request).count() == 1
