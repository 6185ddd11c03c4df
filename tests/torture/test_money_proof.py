"""The proof of the books sees every entry that is hidden on either side, and nothing where nothing is hidden."""

from __future__ import annotations

import random

import pytest

from payments.models import Payment
from proofs.enums import DifferenceKind, DifferenceStatus
from proofs.models import ProofDifference
from proofs.services import outside
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.conftest import fake
from tests.payments.people import tell
from tests.proofs.books import by_owner, given_back, open_kinds, paid, proven
from tests.trials import Trial

__all__ = ["fake"]
pytestmark = pytest.mark.django_db(transaction=True)

# What a hand could do to our books behind everybody's back, and what the proof has to call it.
SPOILT = {
    DifferenceKind.PAYMENT_MISSING_HERE: (
        "DELETE FROM payments_gatewayevent WHERE payment_id = %s",
        "DELETE FROM payments_refund WHERE payment_id = %s",
        "DELETE FROM payments_payment WHERE id = %s",
    ),
    DifferenceKind.REFUND_MISSING_HERE: ("DELETE FROM payments_refund WHERE payment_id = %s",),
    DifferenceKind.REFUND_AMOUNT: ("UPDATE payments_refund SET amount_cents = 699 WHERE payment_id = %s",),
    DifferenceKind.REFUND_STATE: ("UPDATE payments_refund SET status = 'failed' WHERE payment_id = %s",),
    DifferenceKind.REFUNDED_SUM: ("UPDATE payments_payment SET refunded_cents = 701 WHERE id = %s",),
    DifferenceKind.PAYMENT_AMOUNT: ("UPDATE payments_payment SET amount_cents = 4999 WHERE id = %s",),
    DifferenceKind.PAYMENT_NOT_ARRIVED_HERE: (
        "UPDATE payments_payment SET status = 'pending', succeeded_at = NULL WHERE id = %s",
    ),
}


def business(world: World, fake: FakeStripe, choose: random.Random, days: int) -> None:
    """Clients pay, some get money back, some dispute."""
    for number in range(days):
        letter = "ab"[number % 2]
        payment = paid(world, fake, letter)
        if choose.random() < 0.5:
            given_back(world, fake, payment, choose.randrange(1, 5000), letter)
        if choose.random() < 0.2:
            fake.dispute(payment.payment_intent_id)
            tell(fake)


def hide_there(fake: FakeStripe, payment: Payment) -> None:
    """Take a charge out of the gateway's book."""
    with fake.state.lock:
        for key, row in list(fake.state.objects["charge"].items()):
            if row["payment_intent"] == payment.payment_intent_id:
                del fake.state.objects["charge"][key]


def unseen(world: World, fake: FakeStripe, databases: Databases) -> list[str]:
    """Hide one entry of each kind, each in a payment of its own; what the proof does not find."""
    intents: dict[str, str] = {}
    for kind in (*SPOILT, DifferenceKind.PAYMENT_MISSING_THERE):
        payment = paid(world, fake)
        given_back(world, fake, payment, 700)
        intents[kind] = payment.payment_intent_id
        if kind in SPOILT:
            for statement in SPOILT[kind]:
                by_owner(databases, statement, payment.pk)
        else:
            hide_there(fake, payment)
    proven()
    with as_system():
        found = list(ProofDifference.objects.filter(status=DifferenceStatus.OPEN).select_related("payment"))
    seen = {(row.kind, row.payment.payment_intent_id if row.payment else row.gateway_id) for row in found}
    return [kind for kind, intent in intents.items() if (kind, intent) not in seen]


@pytest.mark.torture("M-17")
def test_books_that_agree_are_proven_and_each_hidden_entry_is_found(
    trial: Trial, world: World, fake: FakeStripe, databases: Databases
) -> None:
    business(world, fake, trial.random, trial.scale(fast=3, long=40))
    run = proven()
    false_alarms = len(open_kinds())
    missed = unseen(world, fake, databases)
    trial.report(n=run.compared, violations=false_alarms + len(missed), hidden=len(SPOILT) + 1, missed=missed)


@pytest.mark.control("M-17")
def test_a_proof_that_reads_no_book_is_found_out(
    world: World, fake: FakeStripe, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "compare_book", lambda _book: iter(()))
    assert len(unseen(world, fake, databases)) > 0
