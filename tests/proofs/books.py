"""A day of business with the fake gateway, and ways to spoil either book afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

from payments.models import Payment
from payments.services.refunds import refund_payment
from proofs.models import ProofDifference, ProofRun
from proofs.services.proving import prove
from tests.database import Databases, as_system
from tests.factories.names import World
from tests.fakes.stripe import FakeStripe
from tests.payments.people import acting_as, fresh, invited, opened, tell
from tests.work import run_due

AT_ONCE = -dt.timedelta(minutes=5)


def paid(world: World, fake: FakeStripe, letter: str = "a") -> Payment:
    """A client pays by card, and we hear of it."""
    payment = opened(world, invited(world, letter), f"client_user_{letter}")
    fake.pay(payment.checkout_session_id)
    tell(fake)
    return fresh(payment)


def given_back(world: World, fake: FakeStripe, payment: Payment, cents: int, letter: str = "a") -> None:
    """Staff give money back, and the worker carries it out."""
    with acting_as(world, f"provider_admin_{letter}"):
        refund_payment(Payment.objects.get(pk=payment.pk), cents, reason="Asked for it.")
    run_due("payments.send_refund")
    tell(fake)


def proven() -> ProofRun:
    """The proof as the worker runs it, without waiting for what may be on its way."""
    with as_system():
        return prove(settling=AT_ONCE)


def open_kinds() -> dict[str, ProofDifference]:
    """The unexplained differences by kind, without those of the built world, which never met the gateway."""
    with as_system():
        rows = ProofDifference.objects.filter(status="open").exclude(kind="payment_missing_there", gateway_id="")
        return {row.kind: row for row in rows if row.kind != "fee_never_paid"}


def by_owner(databases: Databases, statement: str, *values: Any) -> None:
    """Change our books behind our own back, past row security and triggers."""
    import psycopg  # noqa: PLC0415 -- only spoiling needs it

    with psycopg.connect(databases.cluster.superuser_dsn(databases.name), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement, values)
